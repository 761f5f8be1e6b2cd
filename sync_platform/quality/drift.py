"""Drift: differences between the shape of received records and the last good shape.

`missing`  The field was filled before and is now empty more often than chance allows (`chance`): in every record that
           has its parent, or in at least ten times the former share of records. Null and absent count the same. In a
           sample of 2,000, for a field that was always filled, 14 empty records (0.7 %) are enough. A small change in
           the share of an optional field is not drift, because it depends on which records changed.
`retyped`  One or more sampled records have a JSON type that was never seen at the path. All numbers are one type.
`new`      The path was never filled before. A field that was always null had no type, so it counts as new as well.
`placeholder`  One text fills an improbable share of a column of names or addresses (frequent_values.py).
`renamed`  A missing and a new path of the same types in the same object have similar names or the same values, and no
           other pair is nearly as similar. Where only some records were renamed, mostly the names decide.
`loose`    The field has another JSON type or notation than its column, and was still read ("8,446" for 8446). It
           needs no former shape, and is not reported where the same field is retyped.

A field inside a missing, new or retyped object or list belongs to that finding and is not reported separately.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import product
from math import exp, lgamma
from typing import Literal

from sync_platform.quality.shape import MAX_MARKS, ExampleValue, Field, Shape, comparable_type, parent_of

MAX_CHANCE = 1e-4  # a lower probability is not chance
MISSING_FACTOR = 10
ALIKE = 0.6  # difflib's documentation calls this a close match
SAME_VALUES = 0.5
FEWEST_MARKS = 4  # any two Boolean fields have the same values
MARGIN_OVER_RIVALS = 0.05  # by this much the likeness of a renaming must exceed every rival's
SHARE_TOLERANCE = 0.2
_WORDS = {
    "string": "text", "integer": "a number", "number": "a number", "boolean": "a boolean", "object": "an object",
    "array": "a list",
}  # fmt: skip
DriftKind = Literal["missing", "renamed", "retyped", "new", "loose", "placeholder"]
_ORDER: tuple[DriftKind, ...] = ("missing", "renamed", "retyped", "new", "loose", "placeholder")


@dataclass(frozen=True)
class Drift:
    """One finding. Types are JSON types without null; of a loose field, its declared and its received form in words.
    Shares (0..1) are the filled share of the records that have the path's parent, None where no record has it.

    `records`: how many of the `of` sampled records lack a missing field, or have the new name, type or field.
    `examples` are received values; of a missing field, former values. `is_unsealed`: the field arrived unencrypted in a
    dataset with sealed fields, so it may be personal.
    """

    kind: DriftKind
    path: str
    types_before: tuple[str, ...]
    types_now: tuple[str, ...]
    share_before: float | None
    share_now: float | None
    records: int
    of: int
    examples: tuple[ExampleValue, ...]
    renamed_to: str | None = None
    is_unsealed: bool = False

    def in_words(self, table: str) -> str:
        """One sentence for an engineer; `table` is what the finding is about (`openrice.restaurants`)."""
        count = f"{self.records:,} of {self.of:,} records"
        example = f", e.g. {self.examples[0]}" if self.examples else ""
        unsealed = "; it is not sealed: declare it, if it is personal" if self.is_unsealed else ""
        if self.kind == "missing":
            before = f"filled in {100 * (self.share_before or 0):.3g} % of the records before"
            was = example.replace(", e.g.", "; it was", 1)
            return f"{table}: `{self.path}`, {before}, is missing from {count}{was}"
        if self.kind == "renamed":
            return f"{table}: `{self.path}` seems to be `{self.renamed_to}` now in {count}{example}{unsealed}"
        if self.kind == "loose":
            forms = f"declared as {self.types_before[0]} and came as {self.types_now[0]}"
            return f"{table}: `{self.path}` is {forms} in {count}; it was read as what it means{example}"
        if self.kind == "retyped":
            before, now = _in_words(self.types_before), _in_words(self.types_now, self.types_before)
            return f"{table}: `{self.path}` was {before} and is now {now} in {count}{example}"
        if self.kind == "placeholder":
            words = "it probably stands for a blank: declare it in the dataset's `placeholders`"
            return f"{table}: `{self.path}` is the same text in {count}{example}; {words}"
        return f"{table}: `{self.path}` is new, {_in_words(self.types_now)} in {count}{example}{unsealed}"


def find_drift(before: Shape, now: Shape) -> list[Drift]:
    """The differences between two shapes of one dataset, worst first; none where either shape has no records."""
    has_sealed = any(field.sealed for shape in (before, now) for field in shape.fields.values())
    missing = [_missing(before, now, path) for path in before.fields if _is_missing(before, now, path)]
    new = [_new(before, now, path, has_sealed) for path in now.fields if _is_new(before, now, path)]
    renamed, missing, new = _renamed(before, now, missing, new)
    retyped = [_retyped(before, now, path) for path in now.fields if _is_retyped(before, now, path)]
    return sorted([*missing, *renamed, *retyped, *new], key=lambda drift: (_ORDER.index(drift.kind), drift.path))


def is_good(drifts: Iterable[Drift]) -> bool:
    """True if a shape with these findings may become the reference: no known field was lost or changed."""
    return all(drift.kind in ("new", "loose", "placeholder") for drift in drifts)


def chance(filled_before: int, records_before: int, filled_now: int, records_now: int) -> float:
    """The probability of at most `filled_now` of `records_now` (f of n), after `filled_before` of `records_before`.

    F of N were filled; before that, every share is equally likely (Laplace's rule of succession). Then the filled
    number is beta-binomial:
    P(X <= f) = sum over x <= f of C(n, x) B(F + 1 + x, N - F + 1 + n - x) / B(F + 1, N - F + 1).
    Source: Skellam, J. G. (1948), Journal of the Royal Statistical Society B 10(2), 257-261.
    """
    a, b, n = filled_before + 1, records_before - filled_before + 1, records_now
    known = _log_beta(a, b)
    return sum(
        exp(lgamma(n + 1) - lgamma(x + 1) - lgamma(n - x + 1) + _log_beta(a + x, b + n - x) - known)
        for x in range(filled_now + 1)
    )


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def _is_missing(before: Shape, now: Shape, path: str) -> bool:
    filled_before, filled = before.fields[path].filled, now.field(path).filled
    lacking, records_with_parent = now.records_with_parent(path) - filled, now.records_with_parent(path)
    if not filled_before or not lacking or not now.covers(path):
        return False
    former_lacking = 1 - filled_before / before.records_with_parent(path)
    if filled and lacking / records_with_parent < MISSING_FACTOR * former_lacking:
        return False
    return chance(filled_before, before.records_with_parent(path), filled, records_with_parent) < MAX_CHANCE


def _is_new(before: Shape, now: Shape, path: str) -> bool:
    is_filled_first = now.fields[path].filled and not before.field(path).filled
    return bool(is_filled_first and before.records_with_parent(path) and before.covers(path))


def _is_retyped(before: Shape, now: Shape, path: str) -> bool:
    before_field = before.field(path).kinds
    return bool(before_field and now.fields[path].kinds - before_field)


def _missing(before: Shape, now: Shape, path: str) -> Drift:
    drift = _drift("missing", before, now, path, before.fields[path].all_examples)
    return replace(drift, records=now.records_with_parent(path) - now.field(path).filled)


def _new(before: Shape, now: Shape, path: str, has_sealed: bool) -> Drift:
    drift = _drift("new", before, now, path, now.fields[path].all_examples)
    return replace(drift, is_unsealed=has_sealed and not now.fields[path].sealed)


def _retyped(before: Shape, now: Shape, path: str) -> Drift:
    field = now.fields[path]
    appeared = [name for name in _types(field) if comparable_type(name) not in before.fields[path].kinds]
    examples = tuple(example for name in appeared for example in field.examples[name])
    drift = _drift("retyped", before, now, path, examples)
    return replace(drift, records=min(sum(field.types[name] for name in appeared), drift.of))


def _drift(kind: DriftKind, before: Shape, now: Shape, path: str, examples: tuple[ExampleValue, ...]) -> Drift:
    before_field, field = before.field(path), now.field(path)
    shares = before.share(path), now.share(path)
    return Drift(
        kind, path, _types(before_field), _types(field), *shares, field.filled, now.records_with_parent(path), examples
    )


def _renamed(
    before: Shape, now: Shape, missing: list[Drift], new: list[Drift]
) -> tuple[list[Drift], list[Drift], list[Drift]]:
    """The renamings, and the remaining missing and new fields."""
    alike = {
        (old, other): likeness
        for old, other in product(missing, new)
        if (likeness := _likeness(before, now, old, other)) > 0
    }
    pairs = [
        (old, other)
        for (old, other), likeness in alike.items()
        if all(
            likeness >= rival + MARGIN_OVER_RIVALS
            for (rival_old, rival_other), rival in alike.items()
            if (rival_old is old) != (rival_other is other)
        )
    ]
    renamed = [
        replace(other, kind="renamed", path=old.path, renamed_to=other.path, types_before=old.types_before,
                share_before=old.share_before)
        for old, other in pairs
    ]  # fmt: skip
    paired = {id(drift) for pair in pairs for drift in pair}
    return renamed, [d for d in missing if id(d) not in paired], [d for d in new if id(d) not in paired]


def _likeness(before: Shape, now: Shape, old: Drift, other: Drift) -> float:
    """The likeness (0..1) of a missing and a new field as one renamed field; 0 where they do not match."""
    before_field, field = before.fields[old.path], now.fields[other.path]
    if parent_of(old.path) != parent_of(other.path) or before_field.kinds != field.kinds:
        return 0.0
    if abs((old.share_before or 0) - (old.share_now or 0) - (other.share_now or 0)) > SHARE_TOLERANCE:
        return 0.0
    names = SequenceMatcher(None, _letters(old.path), _letters(other.path), autojunk=False).ratio()
    values = _overlap(before_field.marks, field.marks)
    return max(names if names >= ALIKE else 0.0, values if values >= SAME_VALUES else 0.0)


def _overlap(marks: list[int], others: list[int]) -> float:
    """The share of common values (Jaccard), estimated from the smallest hashes.

    Source: Broder, A. Z. (1997), On the resemblance and containment of documents.
    """
    if min(len(marks), len(others)) < FEWEST_MARKS:
        return 0.0
    smallest = set(sorted({*marks, *others})[:MAX_MARKS])
    return len(smallest & {*marks} & {*others}) / len(smallest)


def _letters(path: str) -> str:
    name = path.removeprefix(parent_of(path)[0])
    return "".join(filter(str.isalnum, name)).casefold()


def _types(field: Field) -> tuple[str, ...]:
    return tuple(name for name in field.types if name != "null")


def _in_words(types: Iterable[str], besides: Iterable[str] = ()) -> str:
    words = dict.fromkeys(_WORDS[kind] for kind in types)
    other = {_WORDS[kind] for kind in besides}
    return " or ".join(word for word in words if word not in other)
