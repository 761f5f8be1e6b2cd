"""Real changes of the source's shape are reported; random ones are not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.platforms import load_platforms
from sync_platform.quality.drift import MAX_CHANCE, Drift, chance, find_drift, is_good
from sync_platform.quality.shape import Shape
from sync_platform.sandbox.city import City
from sync_platform.sources.period import day_in_hong_kong
from sync_platform_tests.extent import examples
from sync_platform_tests.platforms.replay import OBSERVED_AT, over_sandbox
from sync_platform_tests.quality.samples import OBJECT, Record, changed, places, shape_of

BEFORE = shape_of(places(1_500, seed=1))
TODAY = places(1_500, seed=2)
PLATFORMS = load_platforms()
Change = Callable[[Record], None]


def as_text(name: str) -> Change:
    return lambda record: record.update({name: str(record[name])})


def renamed(name: str, to: str) -> Change:
    return lambda record: record.update({to: record.pop(name)} if name in record else {})


def without(name: str) -> Change:
    return lambda record: record.pop(name, None)


def found(now: list[Record] | Shape, before: list[Record] | Shape = BEFORE) -> list[Drift]:
    shapes = [shape if isinstance(shape, Shape) else shape_of(shape) for shape in (before, now)]
    return find_drift(*shapes)


def kinds_and_paths(drifts: list[Drift]) -> list[tuple[str, str]]:
    return [(drift.kind, drift.path) for drift in drifts]


@settings(max_examples=examples(25), deadline=None)
@given(seeds=st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), count=st.integers(0, 400))
def test_different_records_of_the_same_source_are_no_drift(seeds: tuple[int, int], count: int) -> None:
    drifts = found(places(count, seeds[1]), before=places(600, seeds[0]))
    assert is_good(drifts), drifts
    assert {drift.path for drift in drifts} <= {"licence"}  # 3 % have one: 600 records may show none


def retype(record: Record) -> None:
    record.update(name=7, mapLatitude=str(record["mapLatitude"]), phones="23456789")
    record["district"]["name"] = ["Jordan"]
    record["categories"][0]["categoryId"] = "1"


def add(record: Record) -> None:
    record["promoted"] = True
    record["district"]["area"] = {"areaId": 1}
    record["categories"][0]["rank"] = 1


def take_away(record: Record) -> None:
    del record["district"], record["mapLatitude"], record["categories"][:]
    record["mapLongitude"] = None


def rename(record: Record) -> None:
    record["latitude"], record["fullName"] = record.pop("mapLatitude"), record.pop("name")
    record["categoryList"] = record.pop("categories")
    record["district"]["district_id"] = record["district"].pop("districtId")


@pytest.mark.parametrize("percent", [1, 5, 20, 100])
@pytest.mark.parametrize(
    ("change", "kind", "paths"),
    [
        (retype, "retyped", ["categories[].categoryId", "district.name", "mapLatitude", "name", "phones"]),
        (add, "new", ["categories[].rank", "district.area", "promoted"]),
        (take_away, "missing", ["categories[]", "district", "mapLatitude", "mapLongitude"]),
        (rename, "renamed", ["categories", "district.districtId", "mapLatitude", "name"]),
    ],
)
def test_every_kind_of_drift_is_found_and_nothing_else_however_many_records_have_it(
    change: Change, kind: str, paths: list[str], percent: int
) -> None:
    drifts = found(changed(TODAY, percent, change))
    assert kinds_and_paths(drifts) == [(kind, path) for path in paths]
    for drift in drifts:
        assert (drift.records, drift.of) == (15 * percent, 1_500)
        assert is_good([drift]) == (kind == "new")
        assert drift.examples
        assert drift.in_words("diner.places").startswith(f"diner.places: `{drift.path}`")


def test_an_optional_field_drifts_only_when_it_is_always_empty() -> None:
    assert kinds_and_paths(found(changed(TODAY, 20, without("website")))) == []
    assert kinds_and_paths(found(changed(TODAY, 100, without("website")))) == [("missing", "website")]
    assert kinds_and_paths(found([{**place, "closesAt": None} for place in TODAY])) == [("missing", "closesAt")]


def test_a_rare_field_that_a_small_delta_lacks_is_not_missing() -> None:
    delta = changed(TODAY, 100, without("licence"))
    assert found(delta[:40]) == []
    assert kinds_and_paths(found(delta)) == [("missing", "licence")]


def test_a_list_that_is_always_empty_now_misses_its_elements() -> None:
    assert kinds_and_paths(found([{**place, "phones": []} for place in TODAY])) == [("missing", "phones[]")]


def test_null_and_absent_count_as_the_same() -> None:
    assert found([{k: v for k, v in place.items() if v is not None} for place in TODAY]) == []
    assert found([{**place, "website": place.get("website")} for place in TODAY]) == []


@pytest.mark.parametrize(("before", "now"), [(1, 1.5), (1.5, 1)])
def test_integers_and_other_numbers_are_one_type(before: float, now: float) -> None:
    assert found([{"score": now}] * 50, before=[{"score": before}] * 50) == []
    assert kinds_and_paths(found([{"score": "1"}], before=[{"score": before}])) == [("retyped", "score")]


@pytest.mark.parametrize("now", [1, 1.5])
def test_a_text_that_becomes_a_number_of_either_kind_is_retyped(now: float) -> None:
    (drift,) = found([{"score": now}, {"score": "1"}], before=[{"score": "1"}])
    assert (drift.kind, drift.records, drift.of) == ("retyped", 1, 2)


def test_the_first_value_of_what_was_always_null_is_new() -> None:
    (drift,) = found([{"moveToId": 7}, {"moveToId": None}], before=[{"moveToId": None}] * 50)
    assert (drift.kind, drift.types_before, drift.types_now) == ("new", (), ("integer",))
    assert (drift.share_before, drift.share_now) == (0.0, 0.5)


def test_an_object_that_becomes_text_is_one_finding_and_not_its_fields_too() -> None:
    assert kinds_and_paths(found([{**place, "district": "Jordan"} for place in TODAY])) == [("retyped", "district")]
    assert kinds_and_paths(found(TODAY, before=[{**place, "district": "Jordan"} for place in TODAY])) == [
        ("retyped", "district")
    ]


def test_a_renamed_field_is_recognised_by_its_values() -> None:
    rows = places(1_000)
    (drift,) = found(changed(rows, 100, renamed("website", "homepage")), before=rows)
    assert (drift.kind, drift.path, drift.renamed_to) == ("renamed", "website", "homepage")
    other = [{**place, "homepage": f"https://example.com/{n}"} for n, place in enumerate(rows)]
    assert kinds_and_paths(found(changed(other, 100, without("website")), before=rows)) == [
        ("missing", "website"),
        ("new", "homepage"),
    ]


def test_two_fields_renamed_at_once_are_two_renamings() -> None:
    def shorten(record: Record) -> None:
        record["lat"], record["lng"] = record.pop("mapLatitude"), record.pop("mapLongitude")

    drifts = found(changed(TODAY, 100, shorten))
    assert [(drift.path, drift.renamed_to) for drift in drifts] == [("mapLatitude", "lat"), ("mapLongitude", "lng")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda r: r.update(name1=r["name"], name2=r.pop("name")), "two fields fit equally well"),
        (lambda r: r.update(names=[r.pop("name")]), "another type"),
        (lambda r: r.update({"name2": r.pop("name")} if r["placeId"] % 9 == 0 else {"name": None}), "few have it"),
        (lambda r: r["district"].update(name2=r.pop("name")), "another object"),
        (lambda r: r.update(a=r.pop("name")[:3]), "neither the name nor the values are alike"),
    ],
)
def test_a_renaming_that_is_not_clear_stays_two_findings(change: Change, why: str) -> None:
    drifts = found(changed(TODAY, 100, change))
    assert {drift.kind for drift in drifts} == {"missing", "new"}, why
    assert drifts[0].path == "name"


def test_two_boolean_fields_are_not_taken_for_one_renamed_field() -> None:
    before = [{"isOpen": n % 2 == 0} for n in range(500)]
    assert kinds_and_paths(found([{"halal": n % 2 == 0} for n in range(500)], before)) == [
        ("missing", "isOpen"),
        ("new", "halal"),
    ]


def test_an_unsealed_field_among_sealed_ones_is_reported() -> None:
    sealed = [{"author": {"name": f"sealed:v1:x:{n}"}, "stars": n % 5} for n in range(100)]
    clear = [{"author": {"userName": "Chan"}, "stars": n % 5} for n in range(100)]
    (drift,) = found(shape_of(clear, has_personal_fields=True), before=shape_of(sealed, has_personal_fields=True))
    assert (drift.kind, drift.renamed_to, drift.is_unsealed) == ("renamed", "author.userName", True)
    words = drift.in_words("diner.reviews")
    assert "it is not sealed" in words
    assert "Chan" not in words


def test_a_new_sealed_field_has_no_warning() -> None:
    before = shape_of([{"author": {"name": f"sealed:v1:x:{n}"}} for n in range(20)], has_personal_fields=True)
    now = shape_of([{"author": {"name": "sealed:v1:x:1", "id": "sealed:v1:x:2"}}], has_personal_fields=True)
    (drift,) = find_drift(before, now)
    assert (drift.kind, drift.path, drift.is_unsealed) == ("new", "author.id", False)
    assert drift.in_words("t") == f"t: `author.id` is new, text in 1 of 1 records, e.g. {OBJECT}:1"


def test_open_maps_are_compared_as_maps() -> None:
    def days(first: int, count: int) -> list[Record]:
        return [{"slots": {f"day{n}": {"left": 1}}} for n in range(first, first + count)]

    assert found(days(500, 100), before=days(0, 100)) == []
    assert found(days(500, 100), before=days(0, 20)) == []
    assert found(days(500, 20), before=days(0, 100)) == []
    assert kinds_and_paths(found([{"slots": {"x": {"left": "1"}}}, *days(500, 99)], before=days(0, 100))) == [
        ("retyped", "slots.*.left")
    ]


def test_paths_left_out_of_a_shape_are_not_missing_or_new() -> None:
    wide, wider = {f"n{n:04}": n for n in range(500)}, {f"a{n:04}": n for n in range(100)}
    assert {drift.kind for drift in found([{**wide, **wider}] * 50, before=[wide] * 50)} == {"new"}
    assert found([wide] * 50, before=[{**wide, "n9999": 1}] * 50) == []
    assert found([{**wide, "n9999": 1}] * 50, before=[wide] * 50) == []


@pytest.mark.parametrize(("before", "now"), [([], TODAY), (TODAY, []), ([], [])])
def test_no_records_are_no_drift(before: list[Record], now: list[Record]) -> None:
    assert found(now, before=before) == []


def test_the_order_of_lines_does_not_matter() -> None:
    def shuffle(record: Record) -> None:
        record.update(lat=record.pop("mapLatitude"), name=1, fresh=[None])

    now = changed(TODAY, 20, shuffle)
    shuffled = Random(3).sample(now, len(now))
    assert [_without_places(drift) for drift in found(now)] == [_without_places(drift) for drift in found(shuffled)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda record: record.update(mapLatitude="22.28"),
            f'`mapLatitude` was a number and is now text in 1 of 3 records, e.g. "22.28" ({OBJECT}:1)',
        ),
        (
            lambda record: record.update(isOpen=True),
            f"`isOpen` is new, a boolean in 1 of 3 records, e.g. true ({OBJECT}:1)",
        ),
    ],
)
def test_a_finding_is_a_sentence(change: Change, words: str) -> None:
    rows: list[Record] = [{"mapLatitude": 22.25 + number} for number in range(3)]
    (drift,) = found([*changed(rows[:1], 100, change), *rows[1:]], before=rows)
    assert drift.in_words("openrice.restaurants") == f"openrice.restaurants: {words}"


def test_a_missing_and_a_renamed_field_are_sentences_too() -> None:
    rows: list[Record] = [{"id": 1, "mapLatitude": 22.25}] * 2_000
    (missing,) = found(changed(rows, 5, without("mapLatitude")), before=rows)
    assert missing.in_words("t") == (
        "t: `mapLatitude`, filled in 100 % of the records before, is missing from 100 of 2,000 records; "
        f"it was 22.25 ({OBJECT}:1)"
    )
    (rename,) = found(changed(rows, 100, renamed("mapLatitude", "latitude")), before=rows)
    assert rename.in_words("t") == (
        f"t: `mapLatitude` seems to be `latitude` now in 2,000 of 2,000 records, e.g. 22.25 ({OBJECT}:1)"
    )


@settings(max_examples=examples(100), deadline=None)
@given(data=st.data(), before=st.integers(1, 300), now=st.integers(1, 60))
def test_chance_is_a_distribution_and_laplace_s_rule_for_one_record(data: Any, before: int, now: int) -> None:
    filled = data.draw(st.integers(0, before))
    steps = [chance(filled, before, count, now) for count in range(now + 1)]
    assert steps == sorted(steps)
    assert steps[-1] == pytest.approx(1)
    assert chance(filled, before, 0, 1) == pytest.approx((before - filled + 1) / (before + 2))


def test_fourteen_empty_of_two_thousand_are_drift_and_thirteen_are_chance() -> None:
    assert chance(2_000, 2_000, 2_000 - 14, 2_000) < MAX_CHANCE < chance(2_000, 2_000, 2_000 - 13, 2_000)


@pytest.mark.parametrize("name", PLATFORMS)
def test_two_days_of_a_platform_are_no_drift_and_its_faults_are(name: str) -> None:
    platform = PLATFORMS[name]
    day = day_in_hong_kong(OBSERVED_AT)  # the connector of Eatigo requests the discounts from that day on
    today, tomorrow = City(60, 852, day), City(60, 852, day + timedelta(days=1))
    before, now = over_sandbox(platform, today), over_sandbox(platform, tomorrow)
    broken = over_sandbox(platform, tomorrow, [f"{name}:unknown-field", f"{name}:retyped"])
    for dataset in (dataset.name for dataset in platform.datasets):
        reference = shape_of(before.records(dataset))
        assert kinds_and_paths(found(now.records(dataset), reference)) == [], dataset
        assert {drift.kind for drift in found(broken.records(dataset), reference)} == {"new", "retyped"}, dataset


def _without_places(drift: Drift) -> tuple[Any, ...]:
    return (
        *kinds_and_paths([drift]),
        drift.renamed_to,
        drift.records,
        drift.of,
        sorted(e.value or "" for e in drift.examples),
    )
