"""The shape of landed records: which fields there are, of which JSON types, and how often they are filled.

Taken from a sample of at most MOST_RECORDS lines, whatever the size of the sync. Everything is counted in records: one
counts once at a path, however many elements of its arrays stand there.
"""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import msgspec

from sync_platform.errors import StorageError

MOST_RECORDS = 2_000
MOST_PATHS = 500  # beyond, the deepest paths are left out, and the shape says so (`is_cut`)
MOST_MARKS = 16  # per path
NOTABLE_CHANGE = 0.1  # a filled share that moves by more is worth storing


class Example(msgspec.Struct, frozen=True):
    """A value as JSON, shortened, and the line it stands on. `value` is None where it is sealed, or holds what is."""

    value: str | None
    landing_object: str
    landing_line: int

    def __str__(self) -> str:
        place = f"{self.landing_object}:{self.landing_line}"
        return place if self.value is None else f"{self.value} ({place})"


class Field(msgspec.Struct, omit_defaults=True):
    """What stands at one path, in records: in how many it is filled (neither absent nor null), and of which types.

    `marks`: the smallest CRC-32s of its values, so that of two fields with the same values they are the same.
    `sealed`: at least one value is sealed, or holds what is; a sealed value counts as a string.
    """

    filled: int = 0
    types: dict[str, int] = {}
    examples: dict[str, list[Example]] = {}
    marks: list[int] = []
    sealed: bool = False

    @property
    def kinds(self) -> set[str]:
        """Its types without null; an integer is a number."""
        return {comparable_type(name) for name in self.types if name != "null"}

    @property
    def all_examples(self) -> tuple[Example, ...]:
        return tuple(example for examples in self.examples.values() for example in examples)


class Shape(msgspec.Struct):
    """A dataset's shape. Paths read `district.name`, `phones[]`, `categories[].name`, and `hours.*` in an open map.

    `records`: how many it was taken from. A `.`, `[`, `]`, `*` or `%` in a name is percent-encoded.
    """

    records: int = 0
    fields: dict[str, Field] = {}
    open_maps: list[str] = []
    is_cut: bool = False

    def field(self, path: str) -> Field:
        """What stands at the path; a field of no records where it is not there."""
        return self.fields.get(path) or Field()

    def records_with_parent(self, path: str) -> int:
        """In how many records something could have stood at the path: those with an object, or array, around it."""
        holder, kind = parent_of(path)
        return self.field(holder).types.get(kind, 0) if holder else self.records

    def share(self, path: str) -> float | None:
        """The share of the records with room for the path that have it filled; None without room."""
        records_with_parent = self.records_with_parent(path)
        return self.field(path).filled / records_with_parent if records_with_parent else None

    def covers(self, path: str) -> bool:
        """Whether it says anything that the path is not there: not if paths were cut off, nor where only one of the
        two, shape and path, takes the object around it for an open map."""
        if self.is_cut and _rank(path) > max(map(_rank, self.fields)):
            return False
        while path:
            holder, kind = parent_of(path)
            if holder and kind == "object" and path.endswith(".*") != (holder in self.open_maps):
                return False
            path = holder
        return True

    def merged(self, now: Shape) -> Shape:
        """The next reference: this one brought up to date by a good shape, without forgetting what was seen once.

        A delta of 40 records adds to 2,000 earlier ones; at twice MOST_RECORDS the earlier ones count for less.
        """
        weight = min(1.0, max(0, 2 * MOST_RECORDS - now.records) / self.records) if self.records else 0.0
        open_maps = sorted({*self.open_maps, *now.open_maps})
        stays = Shape(open_maps=open_maps).covers
        fields = {
            path: _merged(self.field(path), now.field(path), weight)
            for path in filter(stays, self.fields.keys() | now.fields.keys())
        }
        records = ceil(self.records * weight) + now.records
        return bounded(Shape(records, fields, open_maps, self.is_cut or now.is_cut))

    def differs_from(self, stored: Shape) -> bool:
        """Whether it says more than the stored one: other paths or types, twice the records, or a share that moved."""
        if self._outline() != stored._outline() or self.records >= 2 * stored.records:
            return self.records > 0
        return any(abs((self.share(path) or 0) - (stored.share(path) or 0)) > NOTABLE_CHANGE for path in self.fields)

    def to_document(self) -> dict[str, Any]:
        """As plain JSON, its keys in order."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Shape:
        """The shape that was stored; StorageError where the document is none."""
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
    """The path around a path, and the type it must have to hold it; "" is the record itself."""
    return (path[:-2], "array") if path.endswith("[]") else (path.rpartition(".")[0], "object")


def _rank(path: str) -> tuple[int, str]:
    return path.count(".") + path.count("[]"), path


def bounded(shape: Shape) -> Shape:
    """The shape with its paths in order, those closest to the record first, and no more than MOST_PATHS."""
    paths = sorted(shape.fields, key=_rank)
    kept = {path: shape.fields[path] for path in paths[:MOST_PATHS]}
    return msgspec.structs.replace(shape, fields=kept, is_cut=shape.is_cut or len(paths) > MOST_PATHS)


def _merged(old: Field, new: Field, weight: float) -> Field:
    types = Counter({kind: ceil(count * weight) for kind, count in old.types.items()})
    types.update(new.types)
    return Field(
        ceil(old.filled * weight) + new.filled,
        dict(sorted(types.items())),
        dict(sorted({**old.examples, **new.examples}.items())),
        sorted({*old.marks, *new.marks})[:MOST_MARKS],
        old.sealed or new.sealed,
    )
