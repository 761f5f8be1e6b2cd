"""The shape of landed records: their fields, the JSON types, and how often each field is filled.

A shape is computed from a sample of at most MAX_RECORDS lines. All counts are counts of records: a record counts once
per path, even where it has several array elements at the path.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import msgspec

from sync_platform.errors import StorageError

MAX_RECORDS = 2_000
MAX_PATHS = 500  # further paths are left out, deepest first, and `is_cut` is set
MAX_MARKS = 16  # per path
NOTABLE_CHANGE = 0.1  # a larger change of a filled share makes a shape worth storing


class ExampleValue(msgspec.Struct, frozen=True):
    """A value as shortened JSON, and its landed line. `value` is None where it is sealed or contains a sealed value."""

    value: str | None
    landing_object: str
    landing_line: int

    def __str__(self) -> str:
        place = f"{self.landing_object}:{self.landing_line}"
        return place if self.value is None else f"{self.value} ({place})"


class Field(msgspec.Struct, omit_defaults=True):
    """The values at one path. `filled`: the number of records with a value, not null. `types`: their number per type.

    `marks`: the smallest CRC-32s of its values; two fields with the same values have the same marks. `sealed`: at least
    one value is sealed or contains a sealed value. A sealed value counts as a string.
    """

    filled: int = 0
    types: dict[str, int] = {}
    examples: dict[str, list[ExampleValue]] = {}
    marks: list[int] = []
    sealed: bool = False

    @property
    def kinds(self) -> set[str]:
        """The types without null; an integer is a number."""
        return {comparable_type(name) for name in self.types if name != "null"}

    @property
    def all_examples(self) -> tuple[ExampleValue, ...]:
        return tuple(example for examples in self.examples.values() for example in examples)


class Shape(msgspec.Struct):
    """A dataset's shape. Paths read `district.name`, `phones[]`, `categories[].name`, and `hours.*` in an open map.

    `records`: the size of the sample. A `.`, `[`, `]`, `*`, `%` or control character in a name is percent-encoded,
    and only its first 200 characters are kept.
    """

    records: int = 0
    fields: dict[str, Field] = {}
    open_maps: list[str] = []
    is_cut: bool = False

    def field(self, path: str) -> Field:
        """The field at the path; an empty Field where there is none."""
        return self.fields.get(path) or Field()

    def records_with_parent(self, path: str) -> int:
        """The number of records that have the parent object or array of the path."""
        parent, kind = parent_of(path)
        return self.field(parent).types.get(kind, 0) if parent else self.records

    def share(self, path: str) -> float | None:
        """The filled share of the records that have the path's parent; None where no record has it."""
        records_with_parent = self.records_with_parent(path)
        return self.field(path).filled / records_with_parent if records_with_parent else None

    def covers(self, path: str) -> bool:
        """True if the absence of the path in this shape is meaningful.

        It is not meaningful if deep paths were left out, or if only one of shape and path treats a parent as an open
        map.
        """
        if self.is_cut and _rank(path) > max(map(_rank, self.fields)):
            return False
        while path:
            parent, kind = parent_of(path)
            if parent and kind == "object" and path.endswith(".*") != (parent in self.open_maps):
                return False
            path = parent
        return True

    def merged(self, now: Shape) -> Shape:
        """The next reference: this shape combined with a good newer one; no known field is lost.

        A delta of 40 records adds to 2,000 earlier ones. Beyond twice MAX_RECORDS the earlier ones get less weight.
        """
        weight = min(1.0, max(0, 2 * MAX_RECORDS - now.records) / self.records) if self.records else 0.0
        open_maps = sorted({*self.open_maps, *now.open_maps})
        stays = Shape(open_maps=open_maps).covers
        fields = {
            path: _merged(self.field(path), now.field(path), weight)
            for path in filter(stays, self.fields.keys() | now.fields.keys())
        }
        records = ceil(self.records * weight) + now.records
        return bounded(Shape(records, fields, open_maps, self.is_cut or now.is_cut))

    def differs_from(self, stored: Shape) -> bool:
        """True if it differs enough to be stored: other paths or types, twice the records, or a changed share."""
        if self._outline() != stored._outline() or self.records >= 2 * stored.records:
            return self.records > 0
        return any(abs((self.share(path) or 0) - (stored.share(path) or 0)) > NOTABLE_CHANGE for path in self.fields)

    def to_document(self) -> dict[str, Any]:
        """The shape as plain JSON with its keys in order."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Shape:
        """The stored shape; StorageError where the document is not a shape."""
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as error:
            raise StorageError(f"the stored shape cannot be read: {error}") from None

    def _outline(self) -> tuple[Any, ...]:
        return self.open_maps, self.is_cut, {path: (set(f.types), f.sealed) for path, f in self.fields.items()}


def comparable_type(json_type: str) -> str:
    """The type by which values are compared: 1 and 1.0 are both numbers."""
    return "number" if json_type == "integer" else json_type


def parent_of(path: str) -> tuple[str, str]:
    """The parent path of a path, and the type that the parent must have; "" is the record itself."""
    return (path[:-2], "array") if path.endswith("[]") else (path.rpartition(".")[0], "object")


def _rank(path: str) -> tuple[int, str]:
    return path.count(".") + path.count("[]"), path


def bounded(shape: Shape) -> Shape:
    """The shape with its paths in order, top-level paths first, and at most MAX_PATHS of them."""
    paths = sorted(shape.fields, key=_rank)
    fields = {path: shape.fields[path] for path in paths[:MAX_PATHS]}
    return msgspec.structs.replace(shape, fields=fields, is_cut=shape.is_cut or len(paths) > MAX_PATHS)


def _merged(old: Field, new: Field, weight: float) -> Field:
    types = Counter({kind: ceil(count * weight) for kind, count in old.types.items()})
    types.update(new.types)
    return Field(
        ceil(old.filled * weight) + new.filled,
        dict(sorted(types.items())),
        dict(sorted({**old.examples, **new.examples}.items())),
        sorted({*old.marks, *new.marks})[:MAX_MARKS],
        old.sealed or new.sealed,
    )
