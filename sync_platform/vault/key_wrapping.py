"""Wrapping of a key by another key: AES Key Wrap (RFC 3394). A wrapped key may be stored anywhere."""

from __future__ import annotations

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey


class KeyWrapping:
    """Wraps and unwraps keys for one use of the master key, or of another key.

    `previous`: the key that a rotation replaces; until the rotation ends, it unwraps too.
    """

    def __init__(self, key: MasterKey, use: str, previous: MasterKey | None = None) -> None:
        self._key = key.derive_replaceable(use)
        self._previous = previous.derive_replaceable(use) if previous else None

    def wrap(self, key: bytes) -> str:
        """The wrapped key, in hex."""
        return aes_key_wrap(self._key, key).hex()

    def unwrap(self, wrapped: str) -> bytes:
        """The key; StorageError where another key wrapped it, or where it was changed."""
        for key in filter(None, (self._key, self._previous)):
            try:
                return aes_key_unwrap(key, bytes.fromhex(wrapped))
            except (InvalidUnwrap, ValueError):
                continue
        raise StorageError("another key wrapped it, or it was changed")

    def is_current(self, wrapped: str) -> bool:
        """True if the present key wrapped it, not the previous one."""
        try:
            aes_key_unwrap(self._key, bytes.fromhex(wrapped))
        except (InvalidUnwrap, ValueError):
            return False
        return True
