"""`lineage …`: verification, anchors, the history of a value, and exports."""
