"""Monitoring on the command line."""
