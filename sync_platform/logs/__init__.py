"""Log lines: their form, their origin, what they never contain, and where they go.

Every module logs with `logging.getLogger(__name__)` of the standard library, whose formatters make the lines: a library
for that would save no code.
"""
