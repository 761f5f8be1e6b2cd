"""`vault …`: the backup of the vault, its verification, and its restore."""
