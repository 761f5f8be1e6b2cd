"""Contracts: every rule that a record breaks is found, with its column."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
import pyarrow
import pytest

from sync_platform.platforms import load_platforms
from sync_platform.quality.contract import POLARS_TYPES, Contract
from sync_platform.sources.columns import Row, column, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.rules import HongKongPhone, InOrder, OneOf, Shaped, StepsOf, Together, Within


class Table(Row):
    seats: Annotated[int | None, column("Seats", rules=(Within(1, 20), StepsOf(2)))] = None
    price: Annotated[Decimal | None, column("Price", rules=(Within(0),))] = None
    state: Annotated[str | None, column("State", rules=(OneOf(("free", "taken")),))] = None
    code: Annotated[str | None, column("Code", rules=(Shaped(r"\d{4}", "four digits"),))] = None
    phone: Annotated[str | None, column("Telephone", rules=(HongKongPhone(),))] = None
    phones: Annotated[list[str], column("Telephones", rules=(HongKongPhone(),))] = []
    latitude: Annotated[float | None, column("Latitude")] = None
    longitude: Annotated[float | None, column("Longitude")] = None
    opens: Annotated[datetime | None, column("Opens")] = None
    closes: Annotated[datetime | None, column("Closes")] = None


TABLES = Dataset(
    "tables",
    "Tables.",
    Table,
    key=("id",),
    rules=(InOrder("opens", "closes"), Together(("latitude", "longitude"), hard=True)),
)
CONTRACT = Contract(TABLES)


def _frame(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {column.name: POLARS_TYPES[column.sql_type] for column in columns_of(Table)}
    return pl.DataFrame([{"source_id": str(number), "phones": [], **row} for number, row in enumerate(rows)], schema)


def _broken(**row: Any) -> list[tuple[str, str, bool]]:
    return [(breach.column, breach.rule, breach.is_hard) for breach in CONTRACT.breaches(_frame(row))]


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        ({}, []),
        ({"seats": 20}, []),
        ({"seats": 22}, [("seats", "from 1 to 20", True)]),
        ({"seats": 3}, [("seats", "in steps of 2", False)]),
        ({"price": Decimal("-0.01")}, [("price", "at least 0", True)]),
        ({"state": "Free"}, [("state", "one of free, taken", False)]),
        ({"code": "12345"}, [("code", "four digits", False)]),
        ({"phone": "+852 2345 6789"}, []),
        ({"phone": "(852) 9345-6789"}, []),
        ({"phone": "2345 678"}, [("phone", HongKongPhone().words, False)]),
        ({"phone": "+853 2345 6789"}, [("phone", HongKongPhone().words, False)]),
        ({"phones": ["2345 6789", "1"]}, [("phones", HongKongPhone().words, False)]),
        ({"latitude": 22.3, "longitude": 114.1}, []),
        ({"latitude": 22.3}, [("latitude, longitude", Together(("latitude", "longitude")).words, True)]),
        (
            {"opens": datetime(2026, 1, 2, tzinfo=UTC), "closes": datetime(2026, 1, 1, tzinfo=UTC)},
            [("opens, closes", "opens is at most closes", False)],
        ),
        ({"opens": datetime(2026, 1, 2, tzinfo=UTC)}, []),
    ],
)
def test_a_row_breaks_the_expected_rules_and_no_others(row: dict[str, Any], broken: list[Any]) -> None:
    assert _broken(**row) == broken


def test_all_breaches_are_reported_with_their_rows_and_values() -> None:
    breaches = CONTRACT.breaches(_frame({"seats": -1, "state": "x"}, {}, {"seats": 41, "price": Decimal("-1")}))
    assert sorted((breach.row, breach.column, breach.value) for breach in breaches) == [
        (0, "seats", "-1"),
        (0, "seats", "-1"),
        (0, "state", "x"),
        (2, "price", "-1.00"),
        (2, "seats", "41"),
        (2, "seats", "41"),
    ]
    assert "state is x, not one of free, taken" in [breach.problem for breach in breaches]


def test_every_dataset_of_every_platform_has_a_contract_with_its_tables_types_and_descriptions() -> None:
    for platform in load_platforms("").values():
        for dataset in platform.datasets:
            contract = Contract(dataset)
            assert list(contract.schema.columns) == [column.name for column in columns_of(dataset.row)]
            for column_ in columns_of(dataset.row):
                assert contract.schema.columns[column_.name].description == column_.description


def test_no_sealed_column_has_a_rule_and_every_dataset_has_important_columns() -> None:
    """A sealed value cannot be judged."""
    for platform in load_platforms("").values():
        for dataset in platform.datasets:
            columns = columns_of(dataset.row)
            assert [column.name for column in columns if column.sealed and column.rules] == []
            assert [column for column in columns if column.matters], dataset.name
            known = {each.name for each in platform.datasets}
            assert {column.refers_to for column in columns} <= known | {None}


def test_pandera_does_not_make_pyarrow_ignore_time_zones() -> None:
    moment = datetime.fromisoformat("2026-09-20T08:00:00+08:00")
    assert pyarrow.array([moment], pyarrow.timestamp("us", tz="UTC")).to_pylist() == [moment]
