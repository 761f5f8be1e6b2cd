"""The steps of a long operation, which a command shows while the operation runs."""

from __future__ import annotations

from collections.abc import Callable

OnStep = Callable[[str], None]
"""Is called with the words for each step when it begins."""


def ignore_step(step: str) -> None:
    """For an operation whose steps nobody sees."""
