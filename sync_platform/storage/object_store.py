"""What every object store can do, a folder or an S3 bucket. What the objects mean does not belong here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sync_platform.errors import StorageError

TEMPORARY = ".put-"  # files that a put has not yet renamed
BLOCK_BYTES = 1 << 20
ODD = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class ObjectInfo:
    """One object as listed; `modified_at` is UTC."""

    key: str
    size_bytes: int
    modified_at: datetime


class ObjectStore(Protocol):
    """Bytes by key. Keys are `/`-separated; a put is atomic: readers see the whole object or none.

    Every operation raises StorageError, naming the object, where the store fails.
    """

    url: str

    def put(self, key: str, body: bytes) -> None: ...

    def put_new(self, key: str, body: bytes) -> None:
        """Put an object that must not exist yet; StorageError where it does, and the old object stays unchanged."""
        ...

    def get(self, key: str) -> bytes:
        """The object's bytes; KeyError where there is none."""
        ...

    def put_file(self, key: str, path: Path, sha256: bytes) -> None:
        """Put the content of a file without reading it into memory. `sha256`: its digest, which S3 checks."""
        ...

    def stream(self, key: str) -> Iterator[bytes]:
        """The object's bytes in blocks of at most BLOCK_BYTES; KeyError where there is none."""
        ...

    def size(self, key: str) -> int | None:
        """The object's size in bytes; None where there is none."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys below a prefix, sorted."""
        ...

    def entries(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Objects below a prefix with size and time, in order of their keys."""
        ...

    def delete(self, key: str) -> None:
        """Delete an object; no error where it does not exist."""
        ...

    def sweep(self, prefix: str, before: datetime) -> None:
        """Remove the files below `folder/` that killed puts left before that time, and its empty folders.

        An empty prefix is the whole store.
        """
        ...


def checked_key(key: str) -> str:
    """The key; StorageError where a folder and a bucket would read it differently, or where it leaves the store."""
    odd = any(part in ("", ".", "..") or part.startswith(TEMPORARY) for part in key.split("/"))
    if odd or ODD.search(key):
        raise StorageError(f"{key!r} is not an object key")
    return key


def checked_prefix(prefix: str) -> str:
    """The prefix; StorageError where no valid key begins with it."""
    checked_key(f"{prefix}x")
    return prefix
