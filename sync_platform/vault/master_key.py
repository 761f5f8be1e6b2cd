"""The master key, which protects every other key of the installation, and its two halves.

What belongs here: the bytes, and the derivation of keys from them. Where they are stored belongs in vault/key_place.py,
and their replacement in vault/rotation.py. docs/vault.md draws all keys.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sync_platform.errors import StorageError

MASTER_KEY_BYTES = 32
"""The size of a half."""


@dataclass(frozen=True)
class MasterKey:
    """A replaceable and a permanent half, 32 bytes each. A key of 32 bytes, from earlier versions, is both.

    A rotation replaces the first half, which wraps keys. The second half names persons and signs: it stays as it is, so
    the ids of persons, anchors and tombstones stay valid. Each use derives its own key (HKDF-SHA256, RFC 5869).
    """

    material: bytes = field(repr=False)

    @classmethod
    def new(cls) -> MasterKey:
        return cls(secrets.token_bytes(2 * MASTER_KEY_BYTES))

    @classmethod
    def from_text(cls, text: str, where: str) -> MasterKey:
        """The key from its form in a file or a secret, which is hex; StorageError, naming `where`, for another text."""
        try:
            return cls.from_bytes(bytes.fromhex(text.strip()), where)
        except ValueError:
            raise _no_master_key(where) from None

    @classmethod
    def from_bytes(cls, material: bytes, where: str) -> MasterKey:
        """The key from its bytes; StorageError, naming `where`, for another number of bytes."""
        if len(material) not in (MASTER_KEY_BYTES, 2 * MASTER_KEY_BYTES):
            raise _no_master_key(where)
        return cls(material)

    @property
    def text(self) -> str:
        """The key in hex."""
        return self.material.hex()

    @property
    def permanent(self) -> bytes:
        return self.material[-MASTER_KEY_BYTES:]

    def rotated(self) -> MasterKey:
        """A new key with the same permanent half."""
        return MasterKey(secrets.token_bytes(MASTER_KEY_BYTES) + self.permanent)

    def derive(self, use: str, length: int = 32) -> bytes:
        """A key for one use, the same after every rotation."""
        return _derived(self.permanent, use, length)

    def derive_replaceable(self, use: str, length: int = 32) -> bytes:
        """A key for one use that a rotation replaces: what it protects has to be protected anew (vault/rotation.py)."""
        return _derived(self.material[:MASTER_KEY_BYTES], use, length)


def _derived(half: bytes, use: str, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=f"sync-platform/{use}".encode()).derive(half)


def _no_master_key(where: str) -> StorageError:
    return StorageError(f"{where} does not hold a master key, which has 64 or 128 hex digits: restore it from its copy")
