"""By which of its values a record names its data subject.

A value that stands for a blank names nobody (vault/blank_identifiers.py). An erased person is known by every spelling
of an address or a number.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from sync_platform.vault.blank_identifiers import names_somebody
from sync_platform.vault.identifiers import Identifier, normalised
from sync_platform.vault.personal_fields import Personal, PersonalKind
from sync_platform.vault.sealed_values import Record, value_at

OWN_ID = "record"
"""In place of the path of a naming field: the record's own id names its data subject."""
SubjectId = Callable[[str, Any], str]
"""The id of the data subject that the value of a path names."""
IN_SEVERAL_SPELLINGS = frozenset({PersonalKind.email, PersonalKind.phone})


class SubjectNames:
    """Finds the data subjects of records of one dataset. It remembers them by value, because persons return."""

    def __init__(self, personal: Personal, subject_id: SubjectId, erased: Container[str]) -> None:
        self._subject_id, self._erased = subject_id, erased
        self._naming: list[tuple[str, PersonalKind, list[str], dict[str, str | None]]] = [
            (path, kind_of_name(personal, path), path.split("."), {}) for path in personal.subject
        ]

    def subject_of(self, record: Record, own_id: str) -> str:
        """The id of the data subject: by the first path whose value names somebody, or else by the record's own id."""
        for path, kind, names, known in self._naming:
            value = value_at(record, names)
            if isinstance(value, str | int) and (text := str(value).strip()):
                if text not in known:
                    known[text] = self._named(path, kind, text)
                if subject := known[text]:
                    return subject
        return self._subject_id(OWN_ID, own_id)

    def _named(self, path: str, kind: PersonalKind, text: str) -> str | None:
        subject = self._subject_id(path, text)
        if subject in self._erased:
            return subject
        if not names_somebody(kind, text):
            return None
        return next(
            (each for each in other_spellings(self._subject_id, path, kind, text) if each in self._erased), subject
        )


def kind_of_name(personal: Personal, path: str) -> PersonalKind:
    """The kind of a path that names data subjects; it may be no personal field itself."""
    return personal.kind_of(path) if path in personal.fields else PersonalKind.unstated


def other_spellings(subject_id: SubjectId, path: str, kind: PersonalKind, text: str) -> list[str]:
    """The id by the one spelling of an address or a number (vault/normalisation.py), where the text is another one."""
    spelling = normalised(Identifier(kind, text)) if kind in IN_SEVERAL_SPELLINGS else None
    return [subject_id(path, spelling)] if spelling and spelling != text.strip().casefold() else []
