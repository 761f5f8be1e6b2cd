"""A defect in k % of the records lowers its own dimension by k points, and no other dimension."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from sync_platform.quality.score import DIMENSIONS
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import is_full, only_in_full
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.quality.venues import DISTRICTS, VENUES, venues

COUNT = 200
HALF_A_POINT = 0.005
PERCENTS = (1, 5, 20) if is_full() else (1, 20)
numbers = itertools.count()
Spoil = Callable[[Record], Record | None]


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path_factory.mktemp("harness"))
    yield harness
    harness.lake.close()


def _elsewhere(record: Record) -> Record:
    """The record at a coordinate outside its stated district."""
    latitude, longitude = DISTRICTS["Sha Tin" if record["district"] != "Sha Tin" else "Central"]
    return {**record, "lat": latitude, "lng": longitude}


SPOILT: dict[str, tuple[str, float, Spoil]] = {
    "a field of another type": ("validation", 1, lambda record: {**record, "rating": "good"}),
    "an impossible number": ("validation", 1, lambda record: {**record, "rating": 9}),
    "coordinates outside Hong Kong": ("validation", 1, lambda record: {**record, "lat": 31.2, "lng": 121.5}),
    "latitude and longitude swapped": (
        "validation",
        1,
        lambda record: {**record, "lat": record["lng"], "lng": record["lat"]},
    ),
    "half a coordinate": ("validation", 1, lambda record: {**record, "lng": None}),
    "a telephone number that is none": ("validation", 1, lambda record: {**record, "phone": "call us"}),
    "a code that is not on the list": ("validation", 1, lambda record: {**record, "status": "maybe"}),
    "fields in the wrong order": ("validation", 1, lambda record: {**record, "least": 9}),
    "two faults in one record": ("validation", 1, lambda record: {**record, "phone": "x", "status": "maybe"}),
    "a record that does not come": ("completeness", 1, lambda record: None),
    "one of five columns that matter is empty": ("completeness", 1 / 5, lambda record: {**record, "phone": ""}),
    "all columns that matter are empty": (
        "completeness",
        1,
        lambda record: {**record, **dict.fromkeys(("name", "name_zh", "address", "district", "phone"))},
    ),
    "coordinates in another district": ("accuracy", 1, _elsewhere),
    "names in each other's language": (
        "consistency",
        1,
        lambda record: {**record, "name": record["name_zh"], "name_zh": record["name"]},
    ),
    "an id that means another place": (
        "consistency",
        1,
        lambda record: {
            **record,
            "name": f"Bakery {record['id']}",
            "name_zh": f"餅店{record['id']}",
            "address": f"{record['id']} Harbour Street",
            "lat": record["lat"] + 0.004,
        },
    ),
}


@pytest.fixture(scope="module")
def undisturbed(harness: LakeHarness) -> dict[str, float]:
    """The scores of the dimensions without defects."""
    return _scores(harness, lambda record: record, 100, follows=True)


def _scores(harness: LakeHarness, spoil: Spoil, percent: int, *, follows: bool) -> dict[str, float]:
    """The scores of a sync with a defect in `percent` of its records; `follows`: after a sync without defects."""
    harness.platform = diner(f"venues{next(numbers)}", dataset=VENUES)
    clean = venues(COUNT)
    if follows:
        harness.sync(clean, hour=0)
    every = 100 // percent
    sent = [spoil(record) if number % every == every - 1 else record for number, record in enumerate(clean)]
    came = [record for record in sent if record is not None]
    outcome = harness.sync(came, hour=1, gaps=Gaps(claimed=COUNT, pages_expected=1))
    return {score.dimension: score.score for score in outcome.wholes if score.score is not None}


@pytest.mark.parametrize("kind", [*list(SPOILT)[::2], *map(only_in_full, list(SPOILT)[1::2])])
def test_a_defect_lowers_its_own_dimension_as_it_spreads_and_no_other(
    harness: LakeHarness, undisturbed: dict[str, float], kind: str
) -> None:
    dimension, factor, spoil = SPOILT[kind]
    before = undisturbed
    assert set(DIMENSIONS) < set(before)
    for percent in PERCENTS:
        scores = _scores(harness, spoil, percent, follows=kind == "an id that means another place")
        assert scores[dimension] == pytest.approx(before[dimension] - factor * percent / 100, abs=HALF_A_POINT)
        assert scores["overall"] < before["overall"]
        for other in set(DIMENSIONS) - {dimension}:
            assert scores[other] == before[other], other
