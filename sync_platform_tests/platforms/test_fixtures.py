"""One conformance run over every platform file: its fixture's exchanges become its fixture's rows."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest

from sync_platform.platforms import load_platforms
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Platform

from .replay import read_fixture, replay

PLATFORMS = load_platforms()


@pytest.fixture(params=PLATFORMS)
def platform(request: pytest.FixtureRequest) -> Platform:
    return PLATFORMS[request.param]


def test_the_fixture_becomes_the_expected_rows(platform: Platform) -> None:
    exchanges, expected = (read_fixture(platform.name, f"{name}.json") for name in ("exchanges", "expected"))
    replayed = replay(platform, exchanges)
    assert set(expected) == {dataset.name for dataset in platform.datasets}
    for dataset in platform.datasets:
        rows = msgspec.to_builtins(replayed.rows(dataset.name))
        assert sorted(rows, key=_by_id) == sorted(expected[dataset.name], key=_by_id), dataset.name
        assert rows, f"the fixture of {platform.name} has no record of {dataset.name}"


def test_the_fixture_is_complete(platform: Platform) -> None:
    replayed = replay(platform, read_fixture(platform.name, "exchanges.json"))
    assert {name: replayed.reasons(name) for name in replayed.gaps} == {name: [] for name in replayed.gaps}


def test_a_row_has_the_id_that_landing_gives_its_record(platform: Platform) -> None:
    replayed = replay(platform, read_fixture(platform.name, "exchanges.json"))
    for dataset in platform.datasets:
        assert {row.source_id for row in replayed.rows(dataset.name)} <= set(replayed.ids(dataset.name))


def test_every_personal_field_is_found_in_the_fixture(platform: Platform) -> None:
    replayed = replay(platform, read_fixture(platform.name, "exchanges.json"))
    for dataset in filter(lambda one: one.personal, platform.datasets):
        assert dataset.personal
        records = replayed.records(dataset.name)
        for path in (*dataset.personal.fields, *dataset.personal.subject):
            assert any(_at(record, path) not in (None, "") for record in records), f"{dataset.name}: {path}"


def test_personal_columns_are_marked_sealed_and_only_they(platform: Platform) -> None:
    for dataset in platform.datasets:
        sealed = [column.name for column in columns_of(dataset.row) if column.sealed]
        assert bool(sealed) == bool(dataset.personal), f"{platform.name}.{dataset.name}: {sealed}"


def test_every_column_is_described_and_every_named_column_exists(platform: Platform) -> None:
    for dataset in platform.datasets:
        columns = {column.name: column for column in columns_of(dataset.row)}
        hints: dict[str, Any] = get_type_hints(dataset.row, include_extras=True)
        for name, column in columns.items():
            assert name == "source_id" or hasattr(hints[name], "__metadata__"), (
                f"{dataset.name}.{name} has no description"
            )
            assert column.description != name
        assert dataset.volatile <= columns.keys()
        assert dataset.cursor is None or dataset.cursor in columns


def _by_id(row: dict[str, Any]) -> str:
    return str(row["source_id"])


def _at(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record
