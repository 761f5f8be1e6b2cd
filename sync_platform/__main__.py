"""`python -m sync_platform` is `sync-platform`."""

from sync_platform.cli.app import main

main()
