"""Undeclared personal fields: fields that a platform sends, that no platform file declares, and that look personal.

They are sealed, or refused, until the platform file declares them. Every record is looked at, because one that is not
would be written in clear.

In a dataset about persons, a field looks personal if its name or a text in it says so: an e-mail address, a phone
number, an account, a name beside one of these. A place has an e-mail address and a phone number of its own, which are
not personal; there, the name of a field must say that it is of a person, or a name must stand beside a contact below
the record itself, or a contact beside the name of a contact person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec import inspect

from sync_platform.errors import UndeclaredField
from sync_platform.landing.personal_words import (
    ACCOUNTS,
    CONTACT_PERSON,
    CONTACTS,
    NAMES,
    PERSONS,
    PRIVATE,
    has_contact,
    objects_in,
    texts_in,
    words_of,
)
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.received import Record

Known = Mapping[str, Any]
"""The declared fields of an object, by name: the declared fields below it, or None where all below is declared."""


@dataclass
class UndeclaredPersonal:
    """Looks for undeclared personal fields in the records of a dataset.

    `found`: in how many records each path was filled. A path reads `author.contact`, and `photos[].uploader` in an
    array. An undeclared field counts as a whole: what is below it is personal with it.
    """

    known: Known
    is_about_persons: bool
    found: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, dataset: Dataset) -> UndeclaredPersonal:
        """For a dataset with its declared fields."""
        known = dict(_fields_of(inspect.type_info(dataset.wire)) or {})
        for path in dataset.personal.fields if dataset.personal else ():
            _declare(known, path.split("."))
        return cls(known, dataset.personal is not None)

    def look(self, records: Sequence[Record]) -> list[str]:
        """The paths of undeclared personal fields in these records; they are counted in `found`."""
        here: Counter[str] = Counter()
        for record in records:
            here.update(set(self._look(record, self.known, "", is_person=self.is_about_persons)))
        self.found.update(here)
        return sorted(here)

    def refusal(self, name: str, paths: Sequence[str]) -> UndeclaredField:
        """The error for such paths in the dataset `name`."""
        return UndeclaredField(
            f"{name}: {', '.join(paths)} looks personal, and the platform file does not declare it: the page is "
            "refused. Declare it in `personal`, or in `also_sent` if it is not personal; or set "
            "UNDECLARED_PERSONAL=seal"
        )

    def notes(self) -> list[str]:
        """What was found, in words."""
        return [
            f"{path} looks personal and is not declared: it was sealed in {count:,} records"
            for path, count in sorted(self.found.items())
        ]

    def _look(self, value: Record, known: Known, path: str, *, is_person: bool) -> Iterator[str]:
        beside = _Fields(value)
        for name, inner in value.items():
            if name not in known:
                if _is_filled(inner) and _looks_personal(name, inner, beside, is_person, is_below=bool(path)):
                    yield f"{path}{name}"
            elif below := known[name]:
                is_of_person = is_person or bool(words_of(name) & PERSONS)
                for each, suffix in _objects_at(inner):
                    yield from self._look(each, below, f"{path}{name}{suffix}.", is_person=is_of_person)


@dataclass(frozen=True)
class _Fields:
    """The fields of one object, which may have thousands: what their names say is read once, and not for each field."""

    of: Record

    @cached_property
    def have_contact(self) -> bool:
        """True if one is an e-mail address, a phone number or an account."""
        return any(words_of(name) & (CONTACTS | ACCOUNTS) for name in self.of)

    @cached_property
    def name_contact_person(self) -> bool:
        return any(words_of(name) & CONTACT_PERSON and self.of[name] for name in self.of)


def _fields_of(kind: inspect.Type) -> Known | None:
    """The declared fields of an object or of the elements of an array; None where anything may be."""
    if isinstance(kind, inspect.UnionType):
        return next((below for each in kind.types if (below := _fields_of(each)) is not None), None)
    if isinstance(kind, inspect.ListType):
        return _fields_of(kind.item_type)
    if isinstance(kind, inspect.StructType):
        return {each.encode_name: _fields_of(each.type) for each in kind.fields}
    return None


def _declare(known: dict[str, Any], path: list[str]) -> None:
    """Add a declared personal field. All below it is declared, because it is sealed as a whole."""
    name, *rest = path
    if not rest:
        known[name] = None
        return
    below = dict(known.get(name) or {})
    _declare(below, rest)
    known[name] = below


def _objects_at(value: Any) -> list[tuple[Record, str]]:
    """The object at a field, or the objects of its array, with what the path has for it."""
    if isinstance(value, dict):
        return [(value, "")]
    return [(each, "[]") for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _is_filled(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _looks_personal(name: str, value: Any, beside: _Fields, is_person: bool, *, is_below: bool) -> bool:
    """`beside`: those of the object that has the field. `is_person`: it is about a person. `is_below`: it is not the
    record."""
    words = words_of(name)
    if words & (PRIVATE | CONTACT_PERSON) or _is_of_person(words, value):
        return True
    if any(_is_of_named_person(each) for each in objects_in(value)):
        return True
    if is_person:
        return bool(words & (CONTACTS | ACCOUNTS)) or has_contact(value) or _is_name_beside(words, beside)
    if beside.name_contact_person:
        return bool(words & CONTACTS)
    return is_below and _is_name_beside(words, beside)


def _is_of_person(words: frozenset[str], value: Any) -> bool:
    """True for `owner`, `manager_mobile` and `reviewerName`; false for counts, and for `member_offer`."""
    if not words & PERSONS or not any(True for _ in texts_in(value)):
        return False
    personal_words = words & (NAMES | CONTACTS | ACCOUNTS)
    named = any(words_of(each) & (NAMES | ACCOUNTS) for one in objects_in(value) for each in one)
    return bool(personal_words) or words <= PERSONS or named or has_contact(value)


def _is_of_named_person(value: Record) -> bool:
    fields = _Fields(value)
    return any(_is_name_beside(words_of(name), fields) or _is_of_person(words_of(name), value[name]) for name in value)


def _is_name_beside(words: frozenset[str], beside: _Fields) -> bool:
    """True for a name in an object that has an e-mail address, a phone number or an account too."""
    return bool(words & NAMES) and beside.have_contact
