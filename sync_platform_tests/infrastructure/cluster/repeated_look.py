"""A look at the cluster that is repeated, as a controller does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx

from sync_platform_tests.infrastructure.cluster.cluster_api import ApiRefusal

EVERY_S = 0.3


@contextmanager
def repeated_look(look: Callable[[], None]) -> Iterator[None]:
    """Look again and again as long as the block runs; a look that the API server does not answer is left out."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(EVERY_S):
            with suppress(httpx.TransportError, ApiRefusal):
                look()

    looking = threading.Thread(target=repeat)
    looking.start()
    try:
        yield
    finally:
        ended.set()
        looking.join()
