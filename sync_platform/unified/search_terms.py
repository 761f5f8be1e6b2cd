"""The terms by which a restaurant's name is found, in both scripts.

A Latin word is found by its beginning. Chinese text is found by any part of it, Traditional or Simplified: its terms
are its characters and its pairs of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from sync_platform.matching.scripts import HAN, drop_apostrophes, fold

_WORD = re.compile(r"[^\W_]+")
_HAN_RUN = re.compile(f"[{HAN}]+")


def folded_name(name: str) -> str:
    """The name in the form in which names are compared."""
    return drop_apostrophes(fold(name))


def latin_words(folded: str) -> list[str]:
    """The words of a folded name that are not Chinese."""
    return _WORD.findall(_HAN_RUN.sub(" ", folded))


def han_runs(folded: str) -> list[str]:
    """The pieces of Chinese text of a folded name."""
    return _HAN_RUN.findall(folded)


def terms_of(folded: str) -> Iterator[str]:
    """The terms under which a folded name is listed."""
    yield from latin_words(folded)
    for run in han_runs(folded):
        yield from run
        yield from ("".join(pair) for pair in pairwise(run))


def terms_of_run(run: str) -> list[str]:
    """The terms that a name with this piece of Chinese text has."""
    return [run] if len(run) == 1 else ["".join(pair) for pair in pairwise(run)]
