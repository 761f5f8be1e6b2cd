"""Reads values whose JSON type is not the declared one but whose meaning is plain: "8446" for 8446, {"name": "Bar"} for
"Bar". The only place where that is done, for the fields of records and of answers alike.

Strict decoding comes first and is fast. Only a value that it refuses is read here, and then decoded strictly again, so
that what stays unreadable is refused with the path of its field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from msgspec import inspect

from sync_platform.sources.scalars import moment_in
from sync_platform.sources.wire_types import (
    CONVERTERS,
    FORMS,
    code_in,
    day_of,
    form_of,
    has_type,
    is_blank,
    is_free,
    means_nothing,
    text_field,
)

_ROOT = "$"


class LooseReading(NamedTuple):
    """A field that was read although it has another JSON type than declared. `path`: `skus[].price`."""

    path: str
    declared: str
    received: str


class UnreadableDate(NamedTuple):
    """An informational date that cannot be read and is left empty: the path of its field, and the value as text."""

    path: str
    value: str


@dataclass
class LooseValue:
    """A value with every field read that can be read. `refusals`: by path (`$.skus[0].price`), why a field cannot."""

    value: Any = None
    readings: list[LooseReading] = field(default_factory=list)
    unreadable: list[UnreadableDate] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FieldMeanings:
    """What the declared types of a record's fields do not say.

    `moments`: paths of texts that are informational times: one that cannot be read becomes null. `codes`: by path of a
    text, the codes that it may be.
    """

    moments: frozenset[str] = frozenset()
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_MEANINGS = FieldMeanings()


def read_loosely(value: Any, shape: Any, meanings: FieldMeanings = NO_MEANINGS) -> LooseValue:
    """The value, converted to the declared type `shape` as far as its meaning is plain."""
    found_value = LooseValue()
    found_value.value = _Reader(found_value, meanings).read(value, _type_of(shape), "", _ROOT)
    return found_value


@cache
def _type_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


@dataclass(frozen=True)
class _Reader:
    """Walks a value along its declared type. `path` names a field in every record, `place` this one value."""

    found: LooseValue
    meanings: FieldMeanings

    def read(self, value: Any, kind: inspect.Type, path: str, place: str) -> Any:
        kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
        may_be_null = any(isinstance(each, inspect.NoneType) for each in kinds)
        if value is None or isinstance(kind, inspect.AnyType):
            return value
        wanted = [each for each in kinds if not isinstance(each, inspect.NoneType)]
        if path in self.meanings.moments and may_be_null and isinstance(wanted[0], inspect.StrType):
            return self._moment(value, path)
        for each in wanted:
            if has_type(value, each):
                return self._inside(value, each, path, place)
        if may_be_null and means_nothing(value, wanted):
            return None if isinstance(value, str) else self._read_as(None, wanted[0], value, path)
        if isinstance(wanted[0], inspect.DateType) and may_be_null:
            return self._date(value, wanted[0], path)
        return self._converted(value, wanted, path, place)

    def _inside(self, value: Any, kind: inspect.Type, path: str, place: str) -> Any:
        if isinstance(kind, inspect.StructType):
            fields = {each.encode_name: each for each in kind.fields}
            return {
                name: self.read(inner, fields[name].type, _below(path, name), f"{place}.{name}")
                if name in fields
                else inner
                for name, inner in value.items()
            }
        if isinstance(kind, inspect.ListType):
            return [
                self.read(each, kind.item_type, f"{path}[]", f"{place}[{number}]") for number, each in enumerate(value)
            ]
        if isinstance(kind, inspect.DictType):
            return {name: self.read(each, kind.value_type, f"{path}.*", place) for name, each in value.items()}
        return value

    def _converted(self, value: Any, kinds: list[inspect.Type], path: str, place: str) -> Any:
        """The value in the first of the types in which it can be read; as it is where it cannot."""
        refusal = ""
        is_id = {inspect.IntType, inspect.StrType} <= {type(kind) for kind in kinds}
        for kind in filter(is_free, kinds):
            try:
                converted = self._as_kind(value, kind, path, place, is_id)
            except (ValueError, OverflowError) as error:
                refusal = refusal or str(error)
            else:
                return self._read_as(converted, kind, value, path)
        self.found.refusals[place] = refusal
        return value

    def _as_kind(self, value: Any, kind: inspect.Type, path: str, place: str, is_id: bool) -> Any:
        if isinstance(kind, inspect.ListType) and _is_only_element(value, kind.item_type):
            return self._inside([value] if value != {} else [], kind, path, place)
        if isinstance(kind, inspect.StructType) and isinstance(value, str):
            return {text_field(kind, value): value}
        if isinstance(value, dict) and not is_id:
            return code_in(value, kind, self.meanings.codes.get(path, ()))
        convert = CONVERTERS.get(type(kind))
        if convert is None or isinstance(value, dict | list):
            raise ValueError("another kind of value")
        return convert(value)

    def _moment(self, value: Any, path: str) -> Any:
        """The text of a time that can be read, else null."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        written = format(value, "f") if isinstance(value, float) else str(value)
        try:
            if is_number or (isinstance(value, str) and value.strip()):
                moment_in(written)
                return self._read_as(written, inspect.StrType(), value, path) if is_number else value
        except (ValueError, OverflowError):
            pass
        return self._left_empty(value, written, path)

    def _date(self, value: Any, kind: inspect.Type, path: str) -> Any:
        try:
            return self._read_as(day_of(value), kind, value, path)
        except (ValueError, OverflowError):
            return self._left_empty(value, str(value), path)

    def _left_empty(self, value: Any, written: str, path: str) -> None:
        if not isinstance(value, str) or not is_blank(value):
            self.found.unreadable.append(UnreadableDate(path, written))

    def _read_as(self, converted: Any, kind: inspect.Type, value: Any, path: str) -> Any:
        self.found.readings.append(LooseReading(path, FORMS.get(type(kind), "another value"), form_of(value)))
        return converted


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_only_element(value: Any, kind: inspect.Type) -> bool:
    """True for a text or an object in place of a list of values or objects of a known type: it is the only element."""
    return isinstance(value, str | dict) and (type(kind) in CONVERTERS or isinstance(kind, inspect.StructType))
