"""The command line, one package per group of commands.

In each package, the module `commands` has the commands with their options, and the other modules do the work. The
commands import these modules only when they run, so that `--help` is quick and a query does not load Dagster.
"""
