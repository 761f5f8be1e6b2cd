"""A code is read from a text, a number, or an object that names it; one or a list of them."""

from __future__ import annotations

from typing import Any

import pytest

from sync_platform.sources.codes import code_names, codes_in


@pytest.mark.parametrize(
    "value",
    [
        "Bar",
        ["Bar"],
        {"name": "Bar"},
        {"code": "Bar"},
        {"id": "Bar"},
        [{"value": "Bar"}],
        [" Bar ", None, "", {}, {"x": 1}],
    ],
)
def test_a_code_is_read_in_every_form(value: Any) -> None:
    assert code_names(value) == ["Bar"]


def test_every_text_of_a_code_counts_the_one_in_words_first() -> None:
    assert codes_in([{"code": "BAR", "id": 7, "name": "酒吧"}]) == [["酒吧", "BAR", "7"]]


@pytest.mark.parametrize("value", [None, [], "", {}, {"name": {"en": "Bar"}}, True])
def test_a_field_without_a_code_has_none(value: Any) -> None:
    assert codes_in(value) == []
