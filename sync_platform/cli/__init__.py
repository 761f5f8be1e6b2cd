"""The command line, one package per group of commands.

In each package `commands.py` has the commands with their options, and the other modules do what the commands say. The
commands import these modules only when they run, so that `--help` is quick and a query does not load Dagster.
"""
