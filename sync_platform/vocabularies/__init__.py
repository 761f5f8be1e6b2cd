"""Vocabularies: the words that mean the same on several platforms, as tables that people can read and change."""
