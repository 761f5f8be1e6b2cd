"""Backups of the lake: a copy of the catalog, and every data file once, in a store of their own.

What belongs here: making, verifying and deleting backups, restoring from them, and proving that it works. A backup has
no key of a person and no master key.
"""
