"""Tests of backups: real lakes, real stores."""
