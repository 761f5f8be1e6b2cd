"""Tests of the lake: commits, replay, splices and maintenance."""
