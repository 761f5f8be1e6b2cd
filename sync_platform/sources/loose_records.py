"""Reads values whose JSON type is not the declared one but whose meaning is plain: "8446" for 8446, {"name": "Bar"} for
"Bar". The only place where that is done, for the fields of records and of answers alike.

Strict decoding comes first and is fast. Only a value that it refuses is read here, and then decoded strictly again, so
that what stays unreadable is refused with the path of its field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from msgspec import inspect

from sync_platform.sources.scalars import (
    day_in,
    moment_in,
    number_in,
    truth_in,
    whole_number_of,
)
from sync_platform.vault.seal import PREFIX

TEXT_NAMES = ("name", "value", "text", "label", "code", "id")
CODE_NAMES = ("value", "code", "id", "name")
"""Where an object that stands for a code has it: for a text, and for a number or a truth value."""
_ROOT = "$"


class LooseReading(NamedTuple):
    """A field that was read although it has another JSON type than declared. `path`: `skus[].price`."""

    path: str
    declared: str
    received: str


class Unreadable(NamedTuple):
    """An informational date that cannot be read and is left empty: the path of its field, and the value as text."""

    path: str
    value: str


@dataclass
class LooseValue:
    """A value with every field read that can be read. `refusals`: by path (`$.skus[0].price`), why a field cannot."""

    value: Any = None
    readings: list[LooseReading] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Meanings:
    """What the declared types of a record's fields do not say.

    `moments`: paths of texts that are informational times: one that cannot be read becomes null. `codes`: by path of a
    text, the codes that it may be.
    """

    moments: frozenset[str] = frozenset()
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


NO_MEANINGS = Meanings()


def read_loosely(value: Any, shape: Any, meanings: Meanings = NO_MEANINGS) -> LooseValue:
    """The value as near to the declared type `shape` as its meaning allows."""
    found = LooseValue()
    found.value = _Reader(found, meanings).read(value, _type_of(shape), "", _ROOT)
    return found


@cache
def _type_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


@dataclass(frozen=True)
class _Reader:
    """Walks a value along its declared type. `path` names a field in every record, `place` this one value."""

    found: LooseValue
    meanings: Meanings

    def read(self, value: Any, kind: inspect.Type, path: str, place: str) -> Any:
        kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
        may_be_null = any(isinstance(each, inspect.NoneType) for each in kinds)
        if value is None or isinstance(kind, inspect.AnyType):
            return value
        wanted = [each for each in kinds if not isinstance(each, inspect.NoneType)]
        if path in self.meanings.moments and may_be_null and isinstance(wanted[0], inspect.StrType):
            return self._moment(value, path)
        for each in wanted:
            if _has_type(value, each):
                return self._inside(value, each, path, place)
        if may_be_null and _means_nothing(value, wanted):
            return self._read_as(None, next(filter(_is_free, wanted)), value, path)
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
        for kind in filter(_is_free, kinds):
            try:
                converted = self._as_kind(value, kind, path, place, is_id)
            except (ValueError, OverflowError) as error:
                refusal = refusal or str(error)
            else:
                return self._read_as(converted, kind, value, path)
        self.found.refusals[place] = refusal
        return value

    def _as_kind(self, value: Any, kind: inspect.Type, path: str, place: str, is_id: bool) -> Any:
        if isinstance(kind, inspect.ListType) and not isinstance(kind.item_type, inspect.AnyType) and _is_one(value):
            return self._inside([value] if value != {} else [], kind, path, place)
        if isinstance(kind, inspect.StructType) and isinstance(value, str):
            return {_text_field(kind, value): value}
        if isinstance(value, dict) and not is_id:
            return _code_in(value, kind, self.meanings.codes.get(path, ()))
        convert = _CONVERTERS.get(type(kind))
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
                return self._read_as(written, _TEXT, value, path) if is_number else value
        except (ValueError, OverflowError):
            pass
        return self._left_empty(value, written, path)

    def _date(self, value: Any, kind: inspect.Type, path: str) -> Any:
        try:
            return self._read_as(_day_of(value), kind, value, path)
        except (ValueError, OverflowError):
            return self._left_empty(value, str(value), path)

    def _left_empty(self, value: Any, written: str, path: str) -> None:
        if value != "" and not (isinstance(value, str) and not value.strip()):
            self.found.unreadable.append(Unreadable(path, written))

    def _read_as(self, converted: Any, kind: inspect.Type, value: Any, path: str) -> Any:
        self.found.readings.append(LooseReading(path, _WORDS.get(type(kind), "another value"), _received(value)))
        return converted


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _means_nothing(value: Any, kinds: list[inspect.Type]) -> bool:
    """True for a blank in place of a number, a truth value, a date or an object; for false in place of a text, and for
    an empty list in place of an object, which some platforms send for an empty one."""
    if isinstance(value, str):
        return not value.strip() and not any(isinstance(kind, inspect.StrType) and _is_free(kind) for kind in kinds)
    if value is False:
        return isinstance(kinds[0], inspect.StrType | inspect.ListType | inspect.StructType)
    return value == [] and isinstance(kinds[0], inspect.StructType)


def _is_free(kind: inspect.Type) -> bool:
    """False for a text that must match a pattern: it is a number as text, and read as a number."""
    return getattr(kind, "pattern", None) is None


def _has_type(value: Any, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.DateType):
        return isinstance(value, str) and _is_iso_date(value)
    if isinstance(kind, inspect.StrType) and kind.pattern is not None:
        return isinstance(value, str) and re.search(kind.pattern, value) is not None
    types = _TYPES.get(type(kind), (object,))
    return isinstance(value, types) and (not isinstance(value, bool) or isinstance(kind, inspect.BoolType))


def _is_one(value: Any) -> bool:
    """True for a text or an object: in place of a list it is its only element."""
    return isinstance(value, str | dict)


def _is_iso_date(text: str) -> bool:
    try:
        return text == date.fromisoformat(text).isoformat()
    except ValueError:
        return False


def _text_field(kind: inspect.StructType, value: str) -> str:
    """The field of an object that a bare text stands for: the only one of the usual names that is a text."""
    if value.startswith(PREFIX):
        raise ValueError("sealed: its field is not known")
    texts = {each.encode_name for each in kind.fields if _may_be_text(each.type)}
    named = next((name for name in TEXT_NAMES if name in texts), None)
    if named is None:
        raise ValueError("a text in place of an object")
    return named


def _may_be_text(kind: inspect.Type) -> bool:
    return any(isinstance(each, inspect.StrType) for each in getattr(kind, "types", (kind,)))


def _code_in(value: Mapping[str, Any], kind: inspect.Type, codes: tuple[str, ...]) -> Any:
    """The code that an object stands for: the one of `codes`, else the first that has the type."""
    convert = _CONVERTERS.get(type(kind))
    named = [value.get(name) for name in (TEXT_NAMES if isinstance(kind, inspect.StrType) else CODE_NAMES)]
    for inner in sorted(named, key=lambda each: each not in codes) if convert else ():
        if inner is None or inner == "" or isinstance(inner, dict | list):
            continue
        try:
            return inner if _has_type(inner, kind) else convert(inner)  # type: ignore[misc]
        except ValueError:
            continue
    raise ValueError("an object without a code")


def _as_text(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("not a text")


def _as_number(value: Any) -> float:
    if isinstance(value, str):
        return float(number_in(value))
    raise ValueError("not a number")


def _day_of(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a day")
    return day_in(format(value, "f") if isinstance(value, float) else str(value))


def _received(value: Any) -> str:
    return next(words for types, words in _RECEIVED if isinstance(value, types))


_TEXT = inspect.StrType()
_CONVERTERS: dict[type[inspect.Type], Callable[[Any], Any]] = {
    inspect.StrType: _as_text,
    inspect.IntType: whole_number_of,
    inspect.FloatType: _as_number,
    inspect.BoolType: truth_in,
    inspect.DateType: _day_of,
}
_TYPES: dict[type[inspect.Type], tuple[type, ...]] = {
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.FloatType: (int, float),
    inspect.BoolType: (bool,),
    inspect.StructType: (dict,),
    inspect.DictType: (dict,),
    inspect.ListType: (list,),
}
_WORDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "a text",
    inspect.IntType: "a whole number",
    inspect.FloatType: "a number",
    inspect.BoolType: "true or false",
    inspect.DateType: "a date",
    inspect.StructType: "an object",
    inspect.ListType: "a list",
}
_RECEIVED: tuple[tuple[Any, str], ...] = (
    (bool, "true or false"),
    (str, "a text"),
    (int, "a whole number"),
    (float, "a number"),
    (dict, "an object"),
    (list, "a list"),
    (object, "another value"),
)
