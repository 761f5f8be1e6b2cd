"""Tests of storage: one suite over every object store, and the databases over SQLite and PostgreSQL."""
