"""A shape describes the fields of a bounded sample, and never reveals a sealed value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.errors import StorageError
from sync_platform.quality.shape import MAX_PATHS, MAX_RECORDS, Shape
from sync_platform.quality.shape_sample import EXAMPLE_CHARS, MAX_DEPTH, MAX_NAMES, ShapeSample
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.personal_fields import Personal
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.extent import examples
from sync_platform_tests.quality.samples import OBJECT, Record, lines, places, shape_of

SealRecords = Callable[[list[Record]], list[Record]]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e9, 1e9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c.d", "e[]", ""]), JSON, max_size=5), max_size=12)


@pytest.fixture
def seal_reviews(tmp_path: Path) -> SealRecords:
    """A function that seals `author` and `text` like the landing writer."""
    vault = Vault(open_vault_database(f"sqlite:///{tmp_path / 'vault.sqlite'}"), MasterKey(bytes(32)))
    personal = Personal(("author.id", "author.name", "text"), ("author.id",))

    def seal(records: list[Record]) -> list[Record]:
        vault.seal_records("diner", personal, records, [str(number) for number in range(len(records))])
        return records

    return seal


def test_every_type_is_counted_and_absent_is_not_null() -> None:
    shape = shape_of([{"x": 1}, {"x": 1.5}, {"x": "1"}, {"x": True}, {"x": {}}, {"x": []}, {"x": None}, {}])
    assert shape.field("x").types == {
        "array": 1, "boolean": 1, "integer": 1, "null": 1, "number": 1, "object": 1, "string": 1,
    }  # fmt: skip
    assert (shape.records, shape.records_with_parent("x"), shape.field("x").filled) == (8, 8, 6)
    assert shape.share("x") == 0.75


def test_a_record_counts_once_however_many_elements_it_has() -> None:
    shape = shape_of(
        [{"phones": ["1", "2", 3], "tags": [{"name": "a"}, {"name": None}, {}]}, {"phones": [], "tags": [{}]}]
    )
    assert list(shape.fields) == ["phones", "tags", "phones[]", "tags[]", "tags[].name"]
    assert shape.field("phones[]").types == {"integer": 1, "string": 1}
    assert (shape.share("phones[]"), shape.share("tags[]"), shape.share("tags[].name")) == (0.5, 1.0, 0.5)


def test_a_field_is_possible_only_in_records_with_its_parent() -> None:
    shape = shape_of([{"district": {"name": "Jordan"}}, {"district": {}}, {"district": None}, {}])
    assert (shape.records_with_parent("district.name"), shape.share("district.name")) == (2, 0.5)
    assert shape.share("nowhere.name") is None


def test_examples_are_few_and_short_and_have_their_landed_line() -> None:
    sample = ShapeSample(has_personal_fields=False)
    sample.take("objects/one", lines([{"n": 1}, {"n": 2}]))
    sample.take("objects/two", lines([{"n": 3}, {"long": "湯" * 500}]))
    shape = sample.shape()
    stands_at = {"1": ("objects/one", 1), "2": ("objects/one", 2), "3": ("objects/two", 1)}
    examples = shape.field("n").examples["integer"]
    assert len(examples) == 2
    assert all(stands_at[e.value or ""] == (e.landing_object, e.landing_line) for e in examples)
    (long,) = shape.field("long").all_examples
    assert str(long) == f'"{"湯" * (EXAMPLE_CHARS - 1)}… (objects/two:2)'


def test_a_sealed_value_is_never_shown_but_its_landed_line_is(seal_reviews: SealRecords) -> None:
    records = seal_reviews([{"author": {"id": 7, "name": "Chan Tai Man"}, "text": "Good soup", "stars": 4}])
    for has_personal_fields in (True, False):
        shape = shape_of(records, has_personal_fields=has_personal_fields)
        assert "sealed:" not in orjson.dumps(shape.to_document()).decode()
        for path in ("author", "author.name", "text"):
            assert shape.field(path).sealed
            assert shape.field(path).marks == []
            assert [str(example) for example in shape.field(path).all_examples] == [f"{OBJECT}:1"]
        assert not shape.field("stars").sealed


def test_in_a_dataset_with_personal_fields_an_unsealed_example_shows_its_form_only(seal_reviews: SealRecords) -> None:
    records = seal_reviews([{"text": "Good", "nickname": "陳大文 Chan-9", "mobile": 61234567, "isOpen": True}])
    shape = shape_of(records, has_personal_fields=True)
    values = {path: field.all_examples[0].value for path, field in shape.fields.items()}
    assert values == {"text": None, "nickname": '"xxx xxxx-9"', "mobile": "99999999", "isOpen": "true"}
    assert all(field.marks == [] for field in shape.fields.values())


def test_a_map_with_open_keys_is_one_path() -> None:
    days = [f"2026-{month:02}-{day:02}" for month in range(1, 13) for day in range(1, 29)]
    shape = shape_of([{"slots": {day: {"left": 3, "held": {day: 1}}}} for day in days])
    assert shape.open_maps == ["slots", "slots.*.held"]
    assert list(shape.fields) == ["slots", "slots.*", "slots.*.held", "slots.*.left", "slots.*.held.*"]
    assert shape.field("slots.*.left").filled == shape.records == len(days)


def test_the_names_of_an_ordinary_object_are_separate_paths() -> None:
    shape = shape_of([{"hours": {f"n{number}": 1 for number in range(MAX_NAMES)}}])
    assert shape.open_maps == []
    assert len(shape.fields) == MAX_NAMES + 1


def test_too_deep_or_too_many_paths_are_left_out_and_the_shape_is_marked_as_cut() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH + 5):
        deep = {"in": deep}
    assert len(shape_of([deep]).fields) == MAX_DEPTH
    wide = shape_of([{f"n{number:05}": number for number in range(MAX_PATHS + 100)}])
    assert wide.is_cut
    assert len(wide.fields) == MAX_PATHS
    assert wide.covers("n00000x")
    assert not wide.covers(f"n{MAX_PATHS:05}")


def test_the_sample_is_bounded_and_spread_over_the_whole_sync() -> None:
    sample = ShapeSample(has_personal_fields=False)
    for number in range(40):
        sample.take(f"objects/{number}", lines({f"from_{number}": line} for line in range(500)))
    shape = sample.shape()
    assert shape.records == MAX_RECORDS
    taken = [shape.fields[f"from_{number}"].filled for number in range(40)]
    assert all(20 < count < 90 for count in taken), taken  # 50 of each if spread evenly


def test_neither_the_order_of_lines_nor_of_objects_matters() -> None:
    records = places(3_000)
    shuffled = Random(2).sample(records, len(records))
    one, other = ShapeSample(has_personal_fields=False), ShapeSample(has_personal_fields=False)
    one.take("a", lines(records))
    for start in range(0, 3_000, 700):
        other.take(f"b{start}", lines(shuffled[start : start + 700]))
    assert _without_places(one.shape()) == _without_places(other.shape())


@settings(max_examples=examples(40), deadline=None)
@given(records=RECORDS)
def test_any_shape_survives_storage_and_no_count_exceeds_its_parents(records: list[Record]) -> None:
    shape = shape_of(records)
    stored = orjson.dumps(shape.to_document())
    assert Shape.from_document(orjson.loads(stored)) == shape
    assert orjson.dumps(shape_of(records).to_document()) == stored
    for path, field in shape.fields.items():
        assert 0 <= field.filled <= shape.records_with_parent(path) <= shape.records == len(records)
        assert shape.covers(path)
    assert not shape.differs_from(shape)
    assert shape.merged(shape).fields.keys() == shape.fields.keys()


def test_an_invalid_shape_document_is_refused() -> None:
    with pytest.raises(StorageError, match="stored shape"):
        Shape.from_document({"records": "many"})


def test_a_reference_loses_no_field_and_adapts_to_new_shapes() -> None:
    reference = shape_of([{"id": n, "old": "x", **({"rare": True} if n == 5 else {})} for n in range(MAX_RECORDS)])
    for _ in range(8):
        reference = reference.merged(shape_of([{"id": n, "fresh": 1} for n in range(MAX_RECORDS)]))
    assert reference.records == 2 * MAX_RECORDS
    assert (reference.field("rare").filled, reference.field("rare").types) == (1, {"boolean": 1})
    assert (reference.share("fresh") or 0) > 0.99
    assert (reference.share("old") or 1) < 0.01
    assert reference.share("id") == 1.0


def test_a_reference_has_the_newest_examples_and_all_known_values() -> None:
    old = shape_of([{"n": number, "who": "sealed:v1:x:y"} for number in range(9)])
    new = shape_of([{"n": number} for number in range(9, 18)])
    merged, together = old.merged(new), shape_of([{"n": number} for number in range(18)])
    assert merged.field("n").examples == new.field("n").examples
    assert merged.field("n").marks == together.field("n").marks
    assert merged.field("who").sealed


def test_a_reference_with_a_shape_that_was_cut_is_cut() -> None:
    wide = shape_of([{f"n{number:05}": number for number in range(MAX_PATHS + 1)}])
    assert wide.merged(shape_of([{"n00000": 1}])).is_cut
    assert shape_of([{"n00000": 1}]).merged(wide).is_cut


def test_only_a_shape_that_differs_enough_is_worth_storing() -> None:
    stored = shape_of(places(500, seed=1))
    assert not shape_of(places(550, seed=2)).differs_from(stored)
    assert not shape_of([]).differs_from(stored)
    assert shape_of([{**place, "fresh": 1} for place in places(500)]).differs_from(stored)
    assert shape_of([{**place, "score": None} for place in places(500)]).differs_from(stored)
    assert shape_of(places(1_000)).differs_from(stored)
    moved = [place if n % 4 else {**place, "name": None} for n, place in enumerate(places(500))]
    hardly = [place if n % 40 else {**place, "name": None} for n, place in enumerate(places(500))]
    assert shape_of(moved).differs_from(shape_of(hardly))


def _without_places(shape: Shape) -> dict[str, Any]:
    document = shape.to_document()
    for field in document["fields"].values():
        field["examples"] = {
            kind: [example["value"] for example in examples] for kind, examples in field["examples"].items()
        }
    return document
