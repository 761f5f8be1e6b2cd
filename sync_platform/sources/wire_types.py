"""The declared types of fields: whether a value has one, and how a value of another JSON type is converted.

A value without one plain meaning raises ValueError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from msgspec import inspect

from sync_platform.placeholders import is_placeholder
from sync_platform.sources.scalars import day_in, number_in, truth_in, whole_number_of
from sync_platform.vault.sealed_values import PREFIX

TEXT_NAMES = ("name", "value", "text", "label", "code", "id")
CODE_NAMES = ("value", "code", "id", "name")
"""Where an object that stands for a code has it: for a text, and for a number or a truth value."""


def means_nothing(value: Any, kinds: list[inspect.Type]) -> bool:
    """True for a blank or a placeholder ("N/A") in place of a number, a truth value, a date or an object; for false in
    place of a text, and for an empty list in place of an object, which some platforms send for an empty one."""
    if isinstance(value, str):
        return is_blank(value) and not any(isinstance(kind, inspect.StrType) and is_free(kind) for kind in kinds)
    if value is False:
        return isinstance(kinds[0], inspect.StrType | inspect.ListType | inspect.StructType)
    return value == [] and isinstance(kinds[0], inspect.StructType)


def is_blank(text: str) -> bool:
    """True if the text is empty or stands for a blank."""
    return not text.strip() or is_placeholder(text)


def is_free(kind: inspect.Type) -> bool:
    """False for a text that must match a pattern: it is a number as text, and read as a number."""
    return getattr(kind, "pattern", None) is None


def has_type(value: Any, kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.DateType):
        return isinstance(value, str) and _is_iso_date(value)
    if isinstance(kind, inspect.StrType) and kind.pattern is not None:
        return isinstance(value, str) and re.search(kind.pattern, value) is not None
    types = _TYPES.get(type(kind), (object,))
    return isinstance(value, types) and (not isinstance(value, bool) or isinstance(kind, inspect.BoolType))


def _is_iso_date(text: str) -> bool:
    try:
        return text == date.fromisoformat(text).isoformat()
    except ValueError:
        return False


def text_field(kind: inspect.StructType, value: str) -> str:
    """The field of an object that a bare text stands for: the only one of the usual names that is a text."""
    if value.startswith(PREFIX):
        raise ValueError("sealed: its field is not known")
    texts = {field.encode_name for field in kind.fields if _may_be_text(field.type)}
    named = next((name for name in TEXT_NAMES if name in texts), None)
    if named is None:
        raise ValueError("a text in place of an object")
    return named


def _may_be_text(kind: inspect.Type) -> bool:
    return any(isinstance(each, inspect.StrType) for each in getattr(kind, "types", (kind,)))


def code_in(value: Mapping[str, Any], kind: inspect.Type, codes: tuple[str, ...]) -> Any:
    """The code that an object stands for: the one of `codes`, else the first that has the type."""
    convert = CONVERTERS.get(type(kind))
    named = [value.get(name) for name in (TEXT_NAMES if isinstance(kind, inspect.StrType) else CODE_NAMES)]
    for inner in sorted(named, key=lambda each: each not in codes) if convert else ():
        if inner is None or inner == "" or isinstance(inner, dict | list):
            continue
        try:
            return inner if has_type(inner, kind) else convert(inner)  # type: ignore[misc]
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


def day_of(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("not a day")
    return day_in(format(value, "f") if isinstance(value, float) else str(value))


def form_of(value: Any) -> str:
    return next(words for types, words in _RECEIVED if isinstance(value, types))


CONVERTERS: dict[type[inspect.Type], Callable[[Any], Any]] = {
    inspect.StrType: _as_text,
    inspect.IntType: whole_number_of,
    inspect.FloatType: _as_number,
    inspect.BoolType: truth_in,
    inspect.DateType: day_of,
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
FORMS: dict[type[inspect.Type], str] = {
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
