"""Ids: how the fields of a key become one, which can be stored, and which can stand in a path."""

from __future__ import annotations

import itertools
from typing import Any

import httpx
import pytest

from sync_platform.sources.endpoints import path_segment
from sync_platform.sources.source_ids import MAX_BYTES, id_problem, is_same_id, joined_id, shown_id, source_id_of

RESERVED = [
    "a#b",
    "a?b=c&d",
    "a/b",
    "a\\b",
    "a;b",
    "a%23b",
    "100%",
    "a b",
    "a+b",
    "a:b@c",
    "茶",
    "a\r\nb",
    "a..b",
    "..a",
]
OTHER_PATHS = [
    "",
    " ",
    ".",
    "..",
    "../5",
    "5/..",
    "a/../5",
    "./5",
    "/5",
    "5/",
    "a//5",
    "..\\5",
    "..;/5",
    "%2e%2e",
    " 5",
]


@pytest.mark.parametrize("part", [None, True, False, "", "  ", 1.5, ["a"], {"id": 1}, b"a"])
def test_a_value_that_is_no_text_and_no_whole_number_is_no_id(part: Any) -> None:
    assert source_id_of(part) is None
    assert source_id_of("5", part) is None


@pytest.mark.parametrize("number", [0, -7, 2**63, 2**64 + 1, 10**40])
def test_a_whole_number_of_any_size_is_its_exact_text(number: int) -> None:
    assert source_id_of(number) == source_id_of(str(number)) == str(number)


@pytest.mark.parametrize("written", ["5 ", " 5", "\t5\r\n", "\u30005\u00a0"])
def test_white_space_around_an_id_is_no_part_of_it(written: str) -> None:
    assert source_id_of(written) == "5"
    assert source_id_of("a", written) == joined_id("a", written) == source_id_of("a ", 5) == "a/5"
    assert is_same_id("5", written) and is_same_id("a/5", f"a /{written}")  # as earlier versions stored it
    assert not is_same_id("5", f"5{written}")


def test_two_keys_never_have_one_id() -> None:
    parts = ["a", "b", "a/b", "a%2Fb", "%", "/", "%25", "b/", "a//b"]
    joined = [joined_id(*each) for each in itertools.product(parts, repeat=2)]
    assert len(set(joined)) == len(joined)
    assert joined_id("12", "2026-11-03", "18:30") == "12/2026-11-03/18:30"


def test_a_key_with_a_blank_part_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        joined_id("5", " ")


@pytest.mark.parametrize("odd", ["", " \n", "a\0", "a\ufffd", "x" * (MAX_BYTES + 1), "茶" * 86])
def test_an_id_that_cannot_be_stored_has_a_problem_and_can_be_shown(odd: str) -> None:
    assert "the record's id" in str(id_problem(odd))
    assert source_id_of(odd) is None
    assert source_id_of("5", odd) is None
    assert "\0" not in shown_id(odd)
    assert len(shown_id(odd)) < 100


@pytest.mark.parametrize("usual", ["5", "a'b;--", "a\u2028b", "x" * MAX_BYTES, "茶" * 85, "\ufeffa"])
def test_any_other_id_is_stored_as_it_is(usual: str) -> None:
    assert id_problem(usual) is None
    assert shown_id(usual) == usual


@pytest.mark.parametrize("source_id", RESERVED)
def test_a_reserved_character_of_an_id_is_quoted_in_a_path(source_id: str) -> None:
    url = httpx.Request("GET", f"https://x.test/vendor/{path_segment(source_id)}", params={"limit": 30}).url
    assert url.path == f"/vendor/{source_id}"
    assert url.raw_path.count(b"/") == 2
    assert url.fragment == "" and dict(url.params) == {"limit": "30"}


@pytest.mark.parametrize("source_id", OTHER_PATHS)
def test_an_id_that_could_be_read_as_another_path_is_refused(source_id: str) -> None:
    with pytest.raises(ValueError, match="another path"):
        path_segment(source_id)
