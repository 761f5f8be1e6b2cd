"""Wrapping of persons' keys by the master key: AES-256-GCM, bound to the id of the person."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey

NONCE_BYTES = 12


class SubjectKeyWrapping:
    """Wraps and unwraps the keys of persons under one master key."""

    def __init__(self, master: MasterKey) -> None:
        self._cipher = AESGCM(master.derive_replaceable("wrap"))

    def wrap(self, subject: str, key: bytes) -> bytes:
        """A random nonce, and the encrypted key."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, subject.encode())

    def unwrap(self, subject: str, wrapped: bytes) -> bytes:
        """The key; StorageError where another master key wrapped it, or where it is another person's."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], subject.encode())
        except InvalidTag:
            raise StorageError(
                "the vault's keys were wrapped by another master key: use that key; if it was rotated while this "
                "process ran, start it again"
            ) from None
