"""Cuisines: their distinctive words."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.scripts import fold

_WORD = re.compile(r"[a-z]+|[^\W\d_a-z]+")
_GENERIC_WORDS = frozenset(
    ("food", "cuisine", "restaurant", "style", "and", "other", "new", "old", "the", "of", "hong", "kong", "shop")
)


@lru_cache(maxsize=50_000)
def parse_cuisines(cuisines: tuple[str, ...]) -> frozenset[str]:
    """The words of all cuisines, folded and without plural `s`; generic words are left out."""
    words = (word for text in cuisines if text for word in _WORD.findall(fold(text)))
    return frozenset(word.removesuffix("s") if len(word) > 4 else word for word in words if word not in _GENERIC_WORDS)
