"""Running Dagster jobs in this process, and reading the state of the Dagster daemon."""
