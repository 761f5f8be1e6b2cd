"""The commands that operate an installation: query, maintenance, audit log, platforms, sandbox, Dagster UI."""
