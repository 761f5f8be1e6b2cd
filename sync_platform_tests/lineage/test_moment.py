"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_beginning, parse_moment


def test_a_day_is_a_day_in_hong_kong_from_its_first_moment_to_its_last() -> None:
    assert parse_beginning("2026-11-24") == datetime(2026, 11, 23, 16, tzinfo=UTC)
    for text in ("2026-11-24", "20261124", "2026-W48-2"):
        assert parse_moment(text) == datetime(2026, 11, 24, 15, 59, 59, 999_999, tzinfo=UTC)


def test_a_moment_with_its_zone_is_taken_as_it_is() -> None:
    for parse in (parse_beginning, parse_moment):
        assert parse("2026-11-24T18:00:00+08:00") == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-24T18:00", "names no time zone"),
        ("yesterday", "neither a day"),
        ("2026-13-24", "neither a day"),
        ("", "neither a day"),
        ("0001-01-01", "not in the years from 1900 to 2199"),
        ("9999-12-31", "not in the years from 1900 to 2199"),
        ("0001-01-01T00:00+08:00", "not in the years from 1900 to 2199"),
        ("9999-12-31T23:00-08:00", "not in the years from 1900 to 2199"),
    ],
)
def test_anything_else_is_refused(text: str, words: str) -> None:
    for parse in (parse_beginning, parse_moment):
        with pytest.raises(UsageError, match=f"--to .*{words}"):
            parse(text, "--to")
