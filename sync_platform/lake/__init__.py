"""The lake: tables with their whole history, committed together.

What belongs here: parsing, comparing, committing, chaining, replaying and maintaining rows, and the SQL for it.
Other packages read the lake with their own SQL.
"""
