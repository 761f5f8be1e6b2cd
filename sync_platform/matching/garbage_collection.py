"""Python's garbage collector, which matching stops for a while.

Parsed values are millions of small tuples without cycles. The collector would visit them all many times, also those
that caches keep, and find nothing.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Stop the collector for a block or a function, in all threads; where it was stopped before, it stays so."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
