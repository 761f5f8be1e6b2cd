"""The lake: tables with their whole history, committed together.

What belongs here: how rows are typed, compared, committed, chained, replayed and maintained, and the SQL of that.
Later stages read the lake with SQL of their own.
"""
