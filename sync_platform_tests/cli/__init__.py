"""Tests of the commands, run like an operator runs them."""
