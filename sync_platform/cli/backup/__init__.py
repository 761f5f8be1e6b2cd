"""`sync-platform backup ...`: makes, lists, verifies and restores backups."""
