"""How the records of a dataset become rows: the struct that a record is decoded into, and the function that makes a row
of it.

Both are made from the row's columns, once per dataset. Decoding is strict: a record with a field of the wrong type goes
to quarantine with the path of the field.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

import msgspec

from sync_platform.sources.columns import ColumnDeclaration, Row, declared_columns
from sync_platform.sources.placeholders import is_name, without_placeholder, without_placeholders
from sync_platform.sources.values import filled, identity, moment, money
from sync_platform.sources.wire_structs import WireField, struct_of, value_at

Identity = int | str
"""An id as platforms send it: one page has it as a number, another as text. In a row it is always text."""
CONVERTERS: dict[object, Callable[..., Any]] = {str: filled, datetime: moment, Decimal: money}
"""By the type of a column; values of other types are taken as sent."""


@dataclass(frozen=True)
class Decoding:
    """`wire`: the struct of a record as received. `to_row`: makes a row of it, or None for a record out of scope.

    `to_row` raises ValueError, TypeError, KeyError or ArithmeticError for a record that cannot become a row.
    """

    wire: type[msgspec.Struct]
    to_row: Callable[[Any], Row | None]


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
    return Decoding(struct_of(row.__name__, fields), _compiled(row, key, columns, in_scope, placeholders))


def _compiled(
    row: type[Row],
    key: tuple[str, ...],
    columns: list[ColumnDeclaration],
    in_scope: Callable[[Any], bool] | None,
    placeholders: tuple[str, ...],
) -> Callable[[Any], Row | None]:
    """The function from a decoded record to its row, compiled from source text as dataclasses compiles `__init__`: it
    runs once per record, and a loop over the columns would take twice as long."""
    names: dict[str, Any] = {"row": row, "in_scope": in_scope, "placeholders": placeholders}
    names |= {"without_placeholder": without_placeholder, "without_placeholders": without_placeholders}
    values = ["source_id=f'" + "/".join(f"{{{value_at('record', name)}}}" for name in key) + "'"]
    for number, column in enumerate(columns):
        sent = [value_at("record", path) for path in column.sent.paths]
        convert = _converter(column)
        if convert is not None:
            names[f"convert_{number}"] = convert
            value = f"convert_{number}({', '.join(sent)})"
        else:
            value = f"{sent[0]} or []" if column.kind == list[str] else sent[0]
        if _may_have_placeholder(column):
            function = "without_placeholders" if column.kind == list[str] else "without_placeholder"
            value = f"{function}({value}, placeholders, may_be_name={is_name(column.name)})"
        values.append(f"{column.name}={value}")
    made = f"row({', '.join(values)})"
    source = f"lambda record: {made}" + (" if in_scope(record) else None" if in_scope else "")
    compiled: Callable[[Any], Row | None] = eval(source, names)  # noqa: S307 - made of declared names only
    return compiled


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
        return str if column.is_required else identity
    return None if column.kind is str and column.is_required else CONVERTERS.get(column.kind)


def _kinds(row: type[Row], column: ColumnDeclaration) -> list[Any]:
    """The types of the fields that a column is made of: its converter's parameters, else the column's type."""
    convert = _converter(column)
    if convert is None or convert is str:
        return [column.kind if convert is None else Identity]
    hints = typing.get_type_hints(convert)
    names = [name for name, each in inspect.signature(convert).parameters.items() if each.default is each.empty]
    if len(names) != len(column.sent.paths) or not hints.keys() >= set(names):
        paths = ", ".join(column.sent.paths)
        raise TypeError(f"{row.__name__}.{column.name}: convert must take {paths}, each parameter annotated")
    return [_without_none(hints[name]) for name in names]


def _without_none(kind: Any) -> Any:
    """`int | str` of `int | str | None`."""
    parts = [part for part in typing.get_args(kind) if part is not type(None)]
    return reduce(or_, parts) if type(None) in typing.get_args(kind) else kind
