"""Structs for what a platform sends, made from dotted paths: `{"meta.total": ..., "data": ...}` is an object with two
fields, one of them an object too.

msgspec decodes into them and names the path of a field that has another type.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec


@dataclass(frozen=True)
class WireField:
    """A field as sent: its type, and whether it is required. A field that is not required may be missing or null."""

    kind: Any
    is_required: bool = False


def struct_of(name: str, fields: Mapping[str, WireField]) -> type[msgspec.Struct]:
    """A Struct with these fields by dotted path; TypeError where a path is a field and an object of fields at once."""
    own = {path: field for path, field in fields.items() if "." not in path}
    nested: dict[str, dict[str, WireField]] = {}
    for path, field in fields.items():
        holder, dot, rest = path.partition(".")
        if dot:
            nested.setdefault(holder, {})[rest] = field
    for holder, inner in nested.items():
        if holder in own:
            raise TypeError(f"{name}: {holder!r} is declared as a field and as an object of fields")
        is_required = any(field.is_required for field in inner.values())
        own[holder] = WireField(struct_of(f"{name}.{holder}", inner), is_required)
    return msgspec.defstruct(
        name,
        [
            (attribute(path), field.kind) if field.is_required else (attribute(path), field.kind | None, None)
            for path, field in own.items()
        ],
        rename={attribute(path): path for path in own},
        kw_only=True,
        gc=False,  # a decoded record has no reference cycle, and tens of thousands are in memory at a time
    )


def attribute(name: str) -> str:
    """The name of a field in Python: the field's own, unless Python cannot write it."""
    identifier = re.sub(r"\W", "_", name)
    return f"_{identifier}" if keyword.iskeyword(identifier) or identifier[:1].isdigit() else identifier


def value_at(variable: str, path: str) -> str:
    """A Python expression for the value at a path of a struct; it is None where an object on the way is missing."""
    names = [variable, *map(attribute, path.split("."))]
    return " and ".join(".".join(names[:end]) for end in range(2, len(names) + 1))


def value_of(struct: Any, path: str) -> Any:
    """The value at a path of a struct; None where an object on the way is missing."""
    for part in path.split("."):
        struct = None if struct is None else getattr(struct, attribute(part))
    return struct
