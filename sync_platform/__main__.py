"""`python -m sync_platform` runs the command line `sync-platform`."""

from sync_platform.cli.app import main

main()
