"""Tests of the sandbox: the eight platforms and the faults that it plays."""
