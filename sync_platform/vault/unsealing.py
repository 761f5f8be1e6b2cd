"""Unsealing: the values of chosen persons in clear, for one purpose that is on record.

What belongs here: finding sealed values in any value, and decrypting those of the chosen persons. Who may do it, and
how that is recorded, belongs to the command.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sync_platform.vault.erased_values import SEALED_VALUE
from sync_platform.vault.sealed_values import ERASED, PREFIX, from_base64

OF_ANOTHER_PERSON = "(sealed: of another person)"
UNREADABLE = "(sealed: it cannot be read)"
IS_ERASED = "(erased)"


class Unsealer:
    """Unseals the values of the persons whose ciphers it has.

    `contexts`: the names under which values may be sealed, `platform.path`. It counts the values in `unsealed`.
    """

    def __init__(self, ciphers: Mapping[str, AESSIV], contexts: Sequence[str]) -> None:
        self._ciphers, self._contexts = ciphers, contexts
        self.unsealed = 0

    def value(self, value: Any, context: str = "") -> Any:
        """The value with every sealed text in it replaced: in clear, or by a text that says why it is not.

        `context`: the name under which the value was sealed, if it is known; it is tried first.
        """
        if isinstance(value, str):
            if SEALED_VALUE.fullmatch(value):
                return self._text(value, context)
            return self._inside(value) if PREFIX in value else value
        if isinstance(value, list | tuple):
            return [self.value(each, f"{context}[]" if context else "") for each in value]
        if isinstance(value, dict):
            return {name: self.value(each, f"{context}.{name}" if context else "") for name, each in value.items()}
        return value

    def _inside(self, text: str) -> str:
        """A text with sealed values in it: JSON, or texts that a query has joined."""
        try:
            return orjson.dumps(self.value(orjson.loads(text))).decode()
        except orjson.JSONDecodeError:
            return SEALED_VALUE.sub(lambda match: str(self._text(match[0], "")), text)

    def _text(self, sealed: str, context: str) -> Any:
        subject, text = parts_of(sealed)
        if text == ERASED:
            return IS_ERASED
        cipher = self._ciphers.get(subject)
        if cipher is None:
            return OF_ANOTHER_PERSON
        for each in (context, *self._contexts):
            try:
                plain = cipher.decrypt(from_base64(text), [each.encode()])
            except (InvalidTag, ValueError):
                continue
            self.unsealed += 1
            return orjson.loads(plain)
        return UNREADABLE


def parts_of(sealed: str) -> tuple[str, str]:
    """The id of the person, and the ciphertext or ERASED."""
    subject, _, text = sealed.removeprefix(PREFIX).partition(":")
    return subject, text


def subjects_in(values: Iterable[Any]) -> set[str]:
    """The ids of the persons of all sealed values in the values."""
    subjects: set[str] = set()
    for value in values:
        if isinstance(value, str):
            if PREFIX in value:
                subjects |= {one[1] for one in SEALED_VALUE.finditer(value)}
        elif isinstance(value, list | tuple):
            subjects |= subjects_in(value)
        elif isinstance(value, dict):
            subjects |= subjects_in(value.values())
    return subjects
