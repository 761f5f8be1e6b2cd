"""The settings of the installation in groups; `sync_platform/settings.py` puts them together."""
