"""How the records of a dataset become rows: the struct that a record is decoded into, and the function that makes a row
of it.

Both are made from the row's columns, once per dataset. Decoding is strict. A record that it refuses is read again field
by field: what is plain is read (loose_records.py), an informational time that cannot be read is left empty, and any
other field that cannot be read sends the record to quarantine with the path of the field.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, partial, reduce
from operator import or_
from typing import Any, NamedTuple

import msgspec

from sync_platform.placeholders import is_name, without_placeholder, without_placeholders
from sync_platform.sources.columns import ColumnDeclaration, Row, declared_columns
from sync_platform.sources.loose_records import FieldMeanings, UnreadableDate
from sync_platform.sources.rules import OneOf
from sync_platform.sources.source_ids import joined_id, required_id
from sync_platform.sources.values import day, filled, identity, moment, money
from sync_platform.sources.wire_structs import WireField, struct_of, value_at, value_of

Identity = int | str
"""An id as platforms send it: one page has it as a number, another as text. In a row it is always text."""
CONVERTERS: dict[object, Callable[..., Any]] = {str: filled, datetime: moment, date: day, Decimal: money}
"""By the type of a column; values of other types are taken as sent."""


NO_VALUE = (ValueError, TypeError, KeyError, ArithmeticError)
"""The errors of a conversion whose value cannot be read."""


class NoRow(ValueError):
    """A record that cannot become a row; `path` is the field that is to blame, if one is."""

    def __init__(self, problem: str, path: str | None) -> None:
        super().__init__(problem)
        self.path = path


@dataclass(frozen=True)
class ColumnValue:
    """How one column's value is made of a decoded record. `paths`: its fields.

    `is_informational_time`: a time or a date that the record can do without. `codes`: the codes that it may be, if it
    is a code that is taken as sent.
    """

    name: str
    paths: tuple[str, ...]
    convert: Callable[[Any], Any]
    is_informational_time: bool
    codes: tuple[str, ...] = ()

    def written(self, record: Any) -> str:
        """The value of its field, as text."""
        return str(value_of(record, self.paths[0]))


@dataclass(frozen=True)
class Decoding:
    """`wire`: the struct of a record as received. `to_row`: makes a row of it, or None for a record out of scope.
    `in_scope` and `columns`: what `to_row` is made of, if it is made of columns.

    `to_row` raises ValueError, TypeError, KeyError or ArithmeticError for a record that cannot become a row.
    """

    wire: type[msgspec.Struct]
    to_row: Callable[[Any], Row | None]
    row: type[Row] = Row
    in_scope: Callable[[Any], bool] | None = None
    columns: tuple[ColumnValue, ...] = ()

    @cached_property
    def meanings(self) -> FieldMeanings:
        """What the types of `wire` do not say."""
        return FieldMeanings(
            frozenset(value.paths[0] for value in self.columns if value.is_informational_time),
            {value.paths[0]: value.codes for value in self.columns if value.codes},
        )

    def to_row_with_gaps(self, record: Any) -> tuple[Row | None, list[UnreadableDate]]:
        """Like `to_row`, column by column: informational times that cannot be read are left empty. NoRow where another
        field is to blame."""
        if not self.columns or (self.in_scope and not self.in_scope(record)):
            return self.to_row(record), []
        values, unreadable = {}, []
        for column in self.columns:
            try:
                values[column.name] = column.convert(record)
            except NO_VALUE as error:
                if not column.is_informational_time:
                    raise NoRow(str(error), column.paths[0] if column.paths else None) from None
                values[column.name] = None
                unreadable.append(UnreadableDate(column.paths[0], column.written(record)))
        return self.row(**values), unreadable


def decoding_of(
    row: type[Row],
    key: tuple[str, ...],
    also_sent: Mapping[str, Any],
    in_scope: Callable[[Any], bool] | None,
    placeholders: tuple[str, ...] = (),
) -> Decoding:
    """The decoding that the columns of a row describe (`Dataset` explains the arguments).

    TypeError where two columns read one field as different types, or a converter's parameters are not annotated.
    """
    columns = [column for column in declared_columns(row) if column.name != "source_id"]
    fields = {path: WireField(kind) for path, kind in also_sent.items()}
    for column in columns:
        for path, kind in zip(column.sent.paths, _kinds(row, column), strict=True):
            field = WireField(kind, column.is_required)
            if fields.setdefault(path, field).kind != kind:
                raise TypeError(f"{row.__name__}.{column.name}: {path!r} is {fields[path].kind} elsewhere, not {kind}")
            if column.is_required:
                fields[path] = field
    for name in key:
        fields[name] = WireField(fields[name].kind if name in fields else Identity, is_required=True)
    values = _values(row, key, columns, placeholders)
    return Decoding(
        struct_of(row.__name__, fields), _compiled(row, values, in_scope), row, in_scope, _column_values(values)
    )


class _ValueText(NamedTuple):
    """A column, the source text of its value, and the functions that the text names."""

    column: str
    text: str
    functions: Mapping[str, Callable[..., Any]]
    paths: tuple[str, ...]
    is_informational_time: bool = False
    codes: tuple[str, ...] = ()


def _values(
    row: type[Row], key: tuple[str, ...], columns: list[ColumnDeclaration], placeholders: tuple[str, ...]
) -> list[_ValueText]:
    parts = ", ".join(value_at("record", name) for name in key)
    values = [_ValueText("source_id", f"required_id({parts})", {"required_id": required_id}, key)]
    if len(key) > 1:
        values = [_ValueText("source_id", f"joined_id({parts})", {"joined_id": joined_id}, key)]
    for number, column in enumerate(columns):
        sent = [value_at("record", path) for path in column.sent.paths]
        convert = _converter(column)
        is_time = column.kind in (date, datetime) and not column.is_required and len(sent) == 1
        functions = {} if convert is None else {f"convert_{number}": convert}
        text = f"convert_{number}({', '.join(sent)})" if functions else sent[0]
        if column.kind == list[str] and not functions:
            text += " or []"
        if _may_have_placeholder(column):
            clean = without_placeholders if column.kind == list[str] else without_placeholder
            functions[f"clean_{number}"] = partial(clean, own=placeholders, may_be_name=is_name(column.name))
            text = f"clean_{number}({text})"
        codes = tuple(code for rule in column.meaning.rules if isinstance(rule, OneOf) for code in rule.values)
        values.append(_ValueText(column.name, text, functions, column.sent.paths, is_time, codes))
    return values


def _compiled(
    row: type[Row], values: list[_ValueText], in_scope: Callable[[Any], bool] | None
) -> Callable[[Any], Row | None]:
    """The function from a decoded record to its row, compiled from source text as dataclasses compiles `__init__`: it
    runs once per record, and a loop over the columns would take twice as long."""
    made = f"row({', '.join(f'{value.column}={value.text}' for value in values)})"
    source = f"lambda record: {made}" + (" if in_scope(record) else None" if in_scope else "")
    names = {name: function for value in values for name, function in value.functions.items()}
    compiled: Callable[[Any], Row | None] = eval(source, {"row": row, "in_scope": in_scope, **names})  # noqa: S307 - made of declared names only
    return compiled


def _column_values(values: list[_ValueText]) -> tuple[ColumnValue, ...]:
    return tuple(
        ColumnValue(
            value.column,
            value.paths,
            eval(f"lambda record: {value.text}", dict(value.functions)),  # noqa: S307 - as above
            value.is_informational_time,
            value.codes,
        )
        for value in values
    )


def _may_have_placeholder(column: ColumnDeclaration) -> bool:
    """True for a column of texts that a source fills, without ids, sealed texts and what people write."""
    meaning = column.meaning
    is_text = column.kind == list[str] or (column.kind is str and not column.is_required)
    return is_text and not (meaning.sealed or meaning.is_free_text or meaning.refers_to)


def _converter(column: ColumnDeclaration) -> Callable[..., Any] | None:
    """The function that converts a column's value; None if it is taken as sent, such as a required text."""
    if column.sent.convert is not None:
        return column.sent.convert
    if column.meaning.refers_to:
        return required_id if column.is_required else identity
    return None if column.kind is str and column.is_required else CONVERTERS.get(column.kind)


def _kinds(row: type[Row], column: ColumnDeclaration) -> list[Any]:
    """The types of the fields that a column is made of: its converter's parameters, else the column's type."""
    convert = _converter(column)
    if convert is None:
        return [column.kind]
    hints = typing.get_type_hints(convert, include_extras=True)
    names = [name for name, each in inspect.signature(convert).parameters.items() if each.default is each.empty]
    if len(names) != len(column.sent.paths) or not hints.keys() >= set(names):
        paths = ", ".join(column.sent.paths)
        raise TypeError(f"{row.__name__}.{column.name}: convert must take {paths}, each parameter annotated")
    return [_without_none(hints[name]) for name in names]


def _without_none(kind: Any) -> Any:
    """`int | str` of `int | str | None`."""
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    return reduce(or_, parts) if type(None) in typing.get_args(kind) else kind
