"""Tests of backup, restore and drills."""
