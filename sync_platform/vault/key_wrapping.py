"""Wrapping of a key by another key: AES Key Wrap (RFC 3394). A wrapped key may be stored anywhere."""

from __future__ import annotations

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey


class KeyWrapping:
    """Wraps and unwraps keys for one use of the master key, or of another key of 32 bytes."""

    def __init__(self, key: MasterKey, use: str) -> None:
        self._key = key.derive(use)

    def wrap(self, key: bytes) -> str:
        """The wrapped key, in hex."""
        return aes_key_wrap(self._key, key).hex()

    def unwrap(self, wrapped: str) -> bytes:
        """The key; StorageError where another key wrapped it, or where it was changed."""
        try:
            return aes_key_unwrap(self._key, bytes.fromhex(wrapped))
        except (InvalidUnwrap, ValueError):
            raise StorageError("another key wrapped it, or it was changed") from None
