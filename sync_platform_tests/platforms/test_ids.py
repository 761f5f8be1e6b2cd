"""Ids are text, also if they are sent as numbers."""

from __future__ import annotations

from types import ModuleType

import msgspec
import pytest

from sync_platform.platforms import foodpanda, load_platforms, openrice, tripadvisor

PLATFORMS = load_platforms()
NUMBERED = ("openrice", "tripadvisor", "eatigo", "chope", "keeta")


@pytest.mark.parametrize("name", NUMBERED)
@pytest.mark.parametrize("sent", [7, -7, 2**53 + 1, 2**64 + 1])
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
    assert restaurants.source_id({restaurants.key[0]: sent}) is None


@pytest.mark.parametrize(
    ("platform", "path"),
    [
        (foodpanda, "/reviews/vendor/a%23b%2Fc"),
        (openrice, "/api/v2/poi/a%23b%2Fc/reviews"),
        (tripadvisor, "/locations/a%23b%2Fc/reviews"),
    ],
)
def test_a_reserved_character_of_an_id_is_quoted_in_the_path_of_its_reviews(platform: ModuleType, path: str) -> None:
    assert platform.REVIEWS.path_of("a#b/c") == path
