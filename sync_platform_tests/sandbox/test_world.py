"""The invented city: the same for the same seed, and different every month."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from sync_platform.sandbox import city as city_module
from sync_platform.sandbox.city import City
from sync_platform.sandbox.ground_truth import truth_rows, write_ground_truth
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.views import view_names

from .conftest import TODAY, Client

LISTS = [
    "/openrice/api/pois?page=2",
    "/tripadvisor/locations/search",
    "/eatigo/v1/branches",
    "/eatigo/v1/promotions",
    "/chope/v1/restaurants",
    "/chope/v1/reservations",
    "/bistrochat/v1/venues",
    "/bistrochat/v1/posts",
    "/data_gov_hk/english/licensing/license/text/LP_Restaurants_EN.XML",
]


@pytest.mark.parametrize("path", LISTS)
def test_the_same_seed_and_day_give_the_same_bytes(path: str) -> None:
    first, second = (Client(City(120, 7, TODAY)).get(path).content for _ in range(2))
    assert first == second


@pytest.mark.parametrize("path", LISTS)
def test_another_seed_gives_another_city(path: str) -> None:
    assert Client(City(120, 7, TODAY)).get(path).content != Client(City(120, 8, TODAY)).get(path).content


def test_about_the_requested_number_of_places_trade(city: City) -> None:
    trading = sum(place.opened <= TODAY < place.closed for place in city.places)
    assert 0.93 * 2000 < trading < 2000


def test_a_later_day_keeps_the_past(city: City) -> None:
    later = City(2000, 852, date(2027, 3, 1))
    known = {place.key: place for place in later.places}
    assert all(known[place.key] == place for place in city.places)
    assert len(later.places) > len(city.places)


def test_listings_keep_their_ids_from_month_to_month() -> None:
    def ids(today: date) -> dict[tuple[str, str], str]:
        return {(row[1], row[2]): row[0] for row in truth_rows(City(600, 852, today))}

    before, after = ids(TODAY), ids(TODAY + timedelta(days=31))
    assert before.items() <= after.items()


def test_about_one_and_a_half_per_cent_open_and_close_each_month(city: City) -> None:
    closings = Counter((place.closed.year, place.closed.month) for place in city.places if place.closed < TODAY)
    monthly = sum(closings.values()) / len(closings)
    assert 0.01 < monthly / 2000 < 0.02


def test_places_are_renamed_and_move(city: City) -> None:
    assert sum(place.renamed is not None and place.renamed <= TODAY for place in city.places) > 50
    assert sum(place.moved is not None and place.moved <= TODAY for place in city.places) > 30


def test_chains_have_many_branches_and_several_in_one_mall(city: City) -> None:
    branches = Counter(place.chain.name.english for place in city.places if place.chain)
    in_malls = Counter(
        (place.chain.number, place.first_premises.building)
        for place in city.places
        if place.chain and place.first_premises.in_mall and place.closed > TODAY
    )
    assert branches.most_common(1)[0][1] > 20
    assert in_malls.most_common(1)[0][1] > 1


def test_ids_are_unique_on_every_platform(city: City) -> None:
    rows = [(row[1], row[2]) for row in truth_rows(city)]
    assert len(rows) == len(set(rows))
    assert {platform for platform, _ in rows} == set(view_names())


def test_listings_outlive_their_place_by_three_months_at_most(city: City) -> None:
    for platform in view_names():
        for listing in city.view(platform).truth():
            end = listing.place.moved or listing.place.closed
            assert listing.until <= max(end, listing.place.closed) + timedelta(days=92)


def test_the_truth_is_written_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    count = write_ground_truth(City(50, 1, TODAY), path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == count
    assert list(rows[0]) == ["place_id", "platform", "source_id", "valid_from", "valid_to", "duplicate_of"]


def test_the_truth_is_written_as_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    count = write_ground_truth(City(50, 1, TODAY), tmp_path / "truth.parquet")
    assert parquet.read_table(tmp_path / "truth.parquet").num_rows == count


def test_the_truth_in_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"\.csv or \.parquet"):
        write_ground_truth(City(5, 1, TODAY), tmp_path / "truth.xlsx")


def test_the_truth_is_never_served(client: Client) -> None:
    place = client.city.places[0].place_id
    for path in [*LISTS, "/", "/truth", "/ground-truth", "/_truth", "/openrice/truth"]:
        assert place not in client.get(path).text


def test_too_many_places_are_refused() -> None:
    with pytest.raises(SandboxError, match="between 1 and 200000"):
        City(200_001)


def test_without_a_fixed_day_the_world_follows_the_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    days = iter([TODAY, TODAY, TODAY, TODAY + timedelta(days=1)])
    monkeypatch.setattr(city_module, "today_in_hong_kong", lambda: next(days))
    current = city_module.calendar(10, 1)
    first, same, next_day = current(), current(), current()
    assert first is same
    assert next_day.today == TODAY + timedelta(days=1)


def test_some_places_share_a_number_without_being_a_chain(city: City) -> None:
    reached: dict[str, set[str]] = {}
    for place in city.places:
        if place.phone and not place.chain:
            reached.setdefault(place.phone, set()).add(place.first_name.english)
    assert sum(len(names) > 1 for names in reached.values()) > 20
