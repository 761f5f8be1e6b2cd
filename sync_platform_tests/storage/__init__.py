"""Tests of storage: every object store passes the same suite; databases run on SQLite and PostgreSQL."""
