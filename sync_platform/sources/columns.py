"""The columns of a Row: what a declaration says of each, read once.

The one place that knows how a Python type is stored.
"""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

import msgspec

from sync_platform.sources.declaration import Meaning, Row
from sync_platform.sources.rules import Rule

SQL_TYPES: dict[object, str] = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE",
    bool: "BOOLEAN",
    date: "DATE",
    datetime: "TIMESTAMPTZ",
    Decimal: "DECIMAL(12,2)",
    list[str]: "VARCHAR[]",
}


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, SQL type and meaning, and what its values are held to.

    `sealed`: its values are sealed. `matters`: completeness counts it. `refers_to`: the dataset of the same platform
    whose `source_id` it holds.
    """

    name: str
    sql_type: str
    description: str
    sealed: bool = False
    matters: bool = False
    rules: tuple[Rule, ...] = ()
    refers_to: str | None = None


@cache
def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a Row, `source_id` first; TypeError for a type that has no place in a table."""
    hints = typing.get_type_hints(row, include_extras=True)
    found = []
    for field in msgspec.structs.fields(row):
        kind, meaning = hints[field.name], Meaning(field.name)
        if typing.get_origin(kind) is typing.Annotated:
            kind, meaning = kind.__origin__, kind.__metadata__[0].extra["meaning"]
        if typing.get_origin(kind) in (types.UnionType, typing.Union):
            kind = next(part for part in typing.get_args(kind) if part is not type(None))
        if kind not in SQL_TYPES:
            raise TypeError(f"{row.__name__}.{field.name}: no table type for {kind}")
        described = f"{meaning.text}, sealed" if meaning.sealed else meaning.text
        column = Column(
            field.name,
            SQL_TYPES[kind],
            described,
            meaning.sealed,
            meaning.matters,
            meaning.rules,
            meaning.refers_to,
        )
        found.append(column)
    return tuple(sorted(found, key=lambda column: column.name != "source_id"))
