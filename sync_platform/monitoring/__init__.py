"""Monitoring: how fresh and how healthy an installation is, from what other stages have recorded."""
