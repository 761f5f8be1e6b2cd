"""Reports an unexpected error of a forked process once, in the way of the program that forked it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def crash_reported() -> Iterator[None]:
    """Report an unexpected error as `sys.excepthook` does, and end the process with 1.

    Python itself does not call that hook in a forked process; it always writes a trace of text.
    """
    try:
        yield
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
