"""Backup, restore and drills of the lake."""
