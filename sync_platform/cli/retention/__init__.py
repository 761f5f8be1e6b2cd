"""`retention …`: deletes what is past its retention, or lists it."""
