"""The exit codes of every command."""

OK = 0
FAILED = 1
BAD_USAGE = 2
INTERRUPTED = 130
