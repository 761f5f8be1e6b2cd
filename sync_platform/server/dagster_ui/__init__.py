"""Dagster's own UI and GraphQL behind the login, each field checked at its resolver."""
