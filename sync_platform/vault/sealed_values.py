"""Sealed values: their form, and the sealing of one field in the records of a page.

What belongs here: where a field is in a record, and the text that replaces its value. Keys belong in vault/seal.py.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

PREFIX = "sealed:v1:"
ERASED = "erased"
URL_SAFE = bytes.maketrans(b"+/", b"-_")
Record = dict[str, Any]


class FieldSealer:
    """Seals one personal field of a page of records. A person's repeated value is sealed once and reused."""

    def __init__(self, platform: str, path: str, path_in_record: str = "") -> None:
        *self._parents, self._name = path.split(".")
        self._context = [f"{platform}.{path_in_record or path}".encode()]
        self._done: dict[tuple[str, str], str] = {}

    def seal_in(self, records: list[Record], subjects: list[str], ciphers: dict[str, AESSIV]) -> None:
        """Seal the field in each record, for the subject of the record. A subject without a cipher is erased."""
        name, done = self._name, self._done
        for record, subject in zip(records, subjects, strict=True):
            parent = self._parent(record, subject, ciphers)
            if parent is None or (value := parent.get(name)) is None or value == "":
                continue
            if not isinstance(value, str):
                parent[name] = self._sealed(value, ciphers.get(subject), subject)
                continue
            known = (subject, value)
            sealed = done.get(known)
            if sealed is None:
                sealed = done[known] = self._sealed(value, ciphers.get(subject), subject)
            parent[name] = sealed

    def _parent(self, record: Record, subject: str, ciphers: dict[str, AESSIV]) -> Record | None:
        """The object that contains the field, or None where there is none.

        If a record has another value there instead of an object, that value may be personal: it is sealed, and None is
        returned.
        """
        parent = record
        for name in self._parents:
            inner = parent.get(name)
            if inner is None:
                return None
            if not isinstance(inner, dict):
                parent[name] = self._sealed(inner, ciphers.get(subject), subject)
                return None
            parent = inner
        return parent

    def _sealed(self, value: Any, cipher: AESSIV | None, subject: str) -> str:
        if cipher is None:
            return f"{PREFIX}{subject}:{ERASED}"
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        return f"{PREFIX}{subject}:{to_base64(cipher.encrypt(text, self._context))}"


class ArraySealer:
    """Seals a field of the objects in arrays, such as `photos[].uploader`, with the key of the record's person."""

    def __init__(self, platform: str, path: str) -> None:
        *self._arrays, below = path.split("[].")
        self._field = FieldSealer(platform, below, path)

    def seal_in(self, records: list[Record], subjects: list[str], ciphers: dict[str, AESSIV]) -> None:
        """Like `FieldSealer.seal_in`."""
        for path in self._arrays:
            objects = [
                (each, subject)
                for record, subject in zip(records, subjects, strict=True)
                for each in _objects_in(value_at(record, path.split(".")))
            ]
            records, subjects = [each for each, _ in objects], [subject for _, subject in objects]
        self._field.seal_in(records, subjects, ciphers)


def _objects_in(array: Any) -> list[Record]:
    return [each for each in array if isinstance(each, dict)] if isinstance(array, list) else []


def value_at(record: Record, path: list[str]) -> Any:
    """The value at a path of names; None where there is none."""
    parent: Any = record
    for name in path:
        if not isinstance(parent, dict):
            return None
        parent = parent.get(name)
    return parent


def values_at(record: Record, path: str) -> list[Any]:
    """The filled values at a path. In a path, `photos[].uploader` is a field of every object in the array `photos`."""
    head, is_array, below = path.partition("[].")
    value = value_at(record, head.split("."))
    if is_array:
        return [inner for each in _objects_in(value) for inner in values_at(each, below)]
    return [] if value is None or value == "" else [value]


def to_base64(data: bytes) -> str:
    """base64url without padding."""
    return binascii.b2a_base64(data, newline=False).translate(URL_SAFE, b"=").decode()


def from_base64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
