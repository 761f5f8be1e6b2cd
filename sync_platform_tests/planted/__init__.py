"""Planted values: marked persons in everything that the platforms send, and a scanner that looks for them in any file.

`python -m sync_platform_tests.planted FOLDER TEXT...` looks for texts of your own.
"""
