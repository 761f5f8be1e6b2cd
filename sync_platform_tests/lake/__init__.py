"""Tests of the lake: what a commit does to tables and history."""
