"""Ids are text, also if they are sent as numbers."""

from __future__ import annotations

import msgspec
import pytest

from sync_platform.platforms import load_platforms

PLATFORMS = load_platforms()
NUMBERED = ("openrice", "tripadvisor", "eatigo", "chope", "keeta")


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("sent", [7, -7, 2**53 + 1])
def test_an_id_is_the_same_as_a_number_and_as_text(name: str, sent: int) -> None:
    restaurants = PLATFORMS[name].datasets[0]
    records = [{restaurants.key[0]: value} for value in (sent, str(sent))]
    rows = [restaurants.to_row(msgspec.convert(record, restaurants.wire)) for record in records]
    assert rows[0] == rows[1]
    assert [row.source_id for row in rows if row] == [restaurants.source_id(record) for record in records]
    assert rows[0] is not None and rows[0].source_id == str(sent)


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("sent", [True, 1.5, None, [7]])
def test_only_a_number_or_text_is_an_id(name: str, sent: object) -> None:
    restaurants = PLATFORMS[name].datasets[0]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({restaurants.key[0]: sent}, restaurants.wire)
