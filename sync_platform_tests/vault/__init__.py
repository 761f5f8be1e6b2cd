"""Tests of the vault: sealing, keys, and the effect of destroying a key."""
