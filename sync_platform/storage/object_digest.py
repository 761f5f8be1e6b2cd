"""The size and the SHA-256 of a stored object."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sync_platform.storage.object_store import ObjectStore


class ObjectDigest(NamedTuple):
    """The size and the SHA-256 (hex) of an object."""

    size_bytes: int
    sha256: str


def digest_of(store: ObjectStore, key: str) -> ObjectDigest:
    """Read an object in blocks and hash it; KeyError where there is none."""
    size, digest = 0, hashlib.sha256()
    for block in store.stream(key):
        size += len(block)
        digest.update(block)
    return ObjectDigest(size, digest.hexdigest())
