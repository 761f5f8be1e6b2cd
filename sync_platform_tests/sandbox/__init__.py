"""Tests of the sandbox: the eight platforms it plays, and the faults it plays on demand."""
