"""Tests of the vault: what is sealed, under whose key, and what destroying a key does."""
