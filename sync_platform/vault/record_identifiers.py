"""The identifiers of the persons in a page of records, read before the records are sealed.

What belongs here: which fields of a record name its person. The hashes belong in vault/identifiers.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from sync_platform.vault.identifiers import NORMAL_FORMS, IdentifierHashes, kind_by_form
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.sealed_values import Record, value_at, values_at

MAX_REMEMBERED = 50_000
"""Of one kind."""
SEVERAL = re.compile(r"[;,/|、\n]|\bor\b|或|及")
"""What stands between several addresses or numbers in one field."""
Hashes = dict[str, set[str]]
"""The hashes of identifiers by subject."""


class RecordIdentifiers:
    """Hashes what names a person in records. It remembers the hashes of the last values, because persons return."""

    def __init__(self, hashes: IdentifierHashes) -> None:
        self._hashes = hashes
        self._remembered: dict[PersonalKind, dict[Any, tuple[str, ...]]] = defaultdict(dict)

    def of(self, personal: Personal, records: list[Record], subjects: list[str]) -> Hashes:
        """The identifiers in records. `subjects`: one per record.

        Where a record has several names, such as a forename and a surname, they are one more name together.
        """
        hashes: Hashes = {subject: set() for subject in subjects}
        names = []
        for path in personal.fields:
            kind = personal.kind_of(path)
            if is_identifying(kind):
                if "[]." in path:
                    self._add_arrays(kind, path, records, subjects, hashes)
                    continue
                parts = path.split(".")
                values = [value_at(record, parts) for record in records]
                self._add(kind, values, subjects, hashes)
                if kind is PersonalKind.name:
                    names.append(values)
        if len(names) > 1:
            whole = [" ".join(filter(_is_text, each)) for each in zip(*names, strict=True)]
            self._add(PersonalKind.name, whole, subjects, hashes)
        return hashes

    def _add_arrays(
        self, kind: PersonalKind, path: str, records: list[Record], subjects: list[str], hashes: Hashes
    ) -> None:
        for record, subject in zip(records, subjects, strict=True):
            values = values_at(record, path)
            self._add(kind, values, [subject] * len(values), hashes)

    def _add(self, kind: PersonalKind, values: list[Any], subjects: list[str], hashes: Hashes) -> None:
        """Add one value for each subject. A value that is neither a text nor a whole number names nobody."""
        remembered = self._remembered[kind]
        if len(remembered) > MAX_REMEMBERED:
            remembered.clear()
        for value, subject in zip(values, subjects, strict=True):
            if value.__class__ is str or value.__class__ is int:
                hashed = remembered.get(value)  # another thread may clear it at any time
                if hashed is None:
                    hashed = remembered[value] = self._hashes_of(kind, str(value))
                if hashed:
                    hashes[subject].update(hashed)

    def _hashes_of(self, kind: PersonalKind, text: str) -> tuple[str, ...]:
        """The hash of the value; of several addresses or numbers in one field, the hash of each."""
        stated_kind = kind_by_form(text) if kind is PersonalKind.unstated else kind
        if not stated_kind:
            return ()
        hashed = self._hashes.of(stated_kind, text)
        if stated_kind is PersonalKind.phone or (stated_kind is PersonalKind.email and not hashed):
            parts = SEVERAL.split(text)
            others = [self._hashes.of(stated_kind, part) for part in parts] if len(parts) > 1 else []
            return tuple({each for each in (hashed, *others) if each})
        return (hashed,) if hashed else ()


def is_identifying(kind: PersonalKind) -> bool:
    """True if values of this kind may name a person."""
    return kind in NORMAL_FORMS or kind is PersonalKind.unstated


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
