"""Tests of unified restaurants: identities, golden records, decisions, what only changed listings cost."""
