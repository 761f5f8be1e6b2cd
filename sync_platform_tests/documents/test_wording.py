"""Words for people: counts with their nouns."""

from __future__ import annotations

import pytest

from sync_platform.documents.wording import counted


@pytest.mark.parametrize(
    ("count", "noun", "words"),
    [
        (1, "break", "1 break"),
        (0, "break", "0 breaks"),
        (1_234, "audit entry", "1,234 audit entries"),
        (2, "day", "2 days"),
        (3, "batch", "3 batches"),
    ],
)
def test_a_noun_has_the_number_of_its_count(count: int, noun: str, words: str) -> None:
    assert counted(count, noun) == words
