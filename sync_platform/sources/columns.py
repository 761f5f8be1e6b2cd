"""The columns of a table: how a platform file declares them on a `Row`, and how the other stages read them.

What belongs here: the SQL type of each Python type. What does not: how a record's fields become a row's values
(decoding.py).
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import msgspec

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
class Meaning:
    """The declared meaning of a column, as `column` explains it; `text` includes its unit."""

    text: str
    sealed: bool = False
    matters: bool = False
    rules: tuple[Rule, ...] = ()
    refers_to: str | None = None
    is_set: bool = False
    one_of: str | None = None
    is_free_text: bool = False


def column(
    description: str,
    *,
    unit: str | None = None,
    sealed: bool = False,
    matters: bool = False,
    rules: tuple[Rule, ...] = (),
    refers_to: str | None = None,
    is_set: bool = False,
    one_of: str | None = None,
    is_free_text: bool = False,
) -> Meaning:
    """The meaning of a column: it becomes the table's column comment, the schema shown in Dagster, and the contract.

    `matters`: a record without it is of little use, so completeness counts it. `refers_to`: the dataset of the same
    platform whose `source_id` it holds. `is_set`: a list whose order and repetitions mean nothing, such as cuisines; a
    row in which only these differ has not changed. `one_of`: the column with a set of which this column holds one
    value; it has not changed while the set still has its value. `is_free_text`: what a person wrote, in which
    a text such as "N/A" is no placeholder (placeholders.py).
    """
    text = f"{description} ({unit})" if unit else description
    return Meaning(text, sealed, matters, rules, refers_to, is_set, one_of, is_free_text)


def reference(record: str, table: str) -> Meaning:
    """The meaning of a column that holds the `source_id` of another table of the platform: `"The branch",
    "eatigo.restaurants"`."""
    return column(f"{record}: `source_id` in {table}", matters=True, refers_to=table.partition(".")[2])


@dataclass(frozen=True)
class SentFields:
    """The fields of the record that a column's value comes from; see `sent_as`."""

    paths: tuple[str, ...] = ()
    convert: Callable[..., Any] | None = None


def sent_as(*paths: str, convert: Callable[..., Any] | None = None) -> SentFields:
    """The field that a column comes from, if it has another name than the column, and the function that converts it.

    `paths`: a field of the record, or a dotted path (`author.name`); several if the column is made of several fields.
    `convert`: a function with as many parameters as there are paths. The annotation of a parameter is the type that the
    field must have, else the record goes to quarantine; a field that is missing or null is None. It raises ValueError
    for a value that cannot be converted.
    """
    return SentFields(paths, convert)


class Row(msgspec.Struct, kw_only=True, omit_defaults=True, gc=False):
    """One typed row of a dataset's table; a field's `Annotated[..., column(...)]` is its column's definition.

    Times are timezone-aware and stored in UTC; a missing value is None, never an empty string. A row has no reference
    cycle, so Python's garbage collector need not visit it (`gc=False`).
    """

    source_id: Annotated[str, column("The platform's own id of the record, as text")]


@dataclass(frozen=True)
class ColumnDeclaration:
    """One column as its row declares it: `kind` is its Python type without None."""

    name: str
    kind: Any
    is_required: bool
    meaning: Meaning
    sent: SentFields


@cache
def declared_columns(row: type[Row]) -> tuple[ColumnDeclaration, ...]:
    """The columns of a Row as declared, `source_id` first; TypeError for a type without an SQL type."""
    hints = typing.get_type_hints(row, include_extras=True)
    declarations = [_declared(row, field, hints[field.name]) for field in msgspec.structs.fields(row)]
    return tuple(sorted(declarations, key=lambda declaration: declaration.name != "source_id"))


def _declared(row: type[Row], field: msgspec.structs.FieldInfo, hint: Any) -> ColumnDeclaration:
    extras: tuple[Any, ...] = getattr(hint, "__metadata__", ())
    kind = hint.__origin__ if extras else hint
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(part for part in typing.get_args(kind) if part is not type(None))
    if kind not in SQL_TYPES:
        raise TypeError(f"{row.__name__}.{field.name}: no table type for {kind}")
    meaning = next((extra for extra in reversed(extras) if isinstance(extra, Meaning)), Meaning(field.name))
    sent = SentFields((field.name,))
    for extra in extras:
        if isinstance(extra, SentFields):
            sent = SentFields(extra.paths or sent.paths, extra.convert or sent.convert)
    return ColumnDeclaration(field.name, kind, field.required, meaning, sent)


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, SQL type and meaning, and the rules for its values.

    `sealed`: its values are sealed. `matters`: completeness counts it. `refers_to`: the dataset of the same platform
    whose `source_id` it holds. `is_set` and `one_of`: as `column` explains them.
    """

    name: str
    sql_type: str
    description: str
    sealed: bool = False
    matters: bool = False
    rules: tuple[Rule, ...] = ()
    refers_to: str | None = None
    is_set: bool = False
    one_of: str | None = None


@cache
def columns_of(row: type[Row]) -> tuple[Column, ...]:
    """The columns of a Row's table, `source_id` first."""
    return tuple(
        Column(
            declaration.name,
            SQL_TYPES[declaration.kind],
            f"{declaration.meaning.text}, sealed" if declaration.meaning.sealed else declaration.meaning.text,
            declaration.meaning.sealed,
            declaration.meaning.matters,
            declaration.meaning.rules,
            declaration.meaning.refers_to,
            declaration.meaning.is_set,
            declaration.meaning.one_of,
        )
        for declaration in declared_columns(row)
    )
