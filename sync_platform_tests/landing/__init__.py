"""Tests of landing: what is written of a platform, and what never is."""
