"""The exit codes of every command."""

OK = 0
FAILED = 1
BAD_USAGE = 2
INTERRUPTED = 130
READER_GONE = 141
"""The reader of standard output closed the pipe, as `head` does: what shells report for a program that ends so."""

CANCELLED_IN_WORDS = "cancelled: nothing is half-written"
"""The message of every command that Ctrl-C or SIGTERM ends."""
