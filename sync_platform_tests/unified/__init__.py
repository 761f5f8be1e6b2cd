"""Tests of unified restaurants: identities, golden records, decisions, and incremental runs."""
