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
    """Read an object and hash it; KeyError where there is none."""
    body = store.get(key)
    return ObjectDigest(len(body), hashlib.sha256(body).hexdigest())
