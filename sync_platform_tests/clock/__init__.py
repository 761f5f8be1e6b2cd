"""The suite on other days: `python -m sync_platform_tests.clock [pytest's arguments]`."""
