"""Sealing of the installation's own secrets, such as refresh tokens: AES-SIV (RFC 5297) under the master key."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sync_platform.errors import StorageError
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.sealed_values import from_base64, to_base64

USE, KEY_BYTES = "own-secrets", 64


class OwnSecrets:
    """Seals secrets by name. `previous`: the key that a rotation replaces; until the rotation ends, it unseals too."""

    def __init__(self, master: MasterKey, previous: MasterKey | None = None) -> None:
        keys = [key for key in (master, previous) if key]
        self._ciphers = [AESSIV(key.derive_replaceable(USE, KEY_BYTES)) for key in keys]

    def seal(self, name: str, value: str) -> str:
        """The sealed secret; the same each time under the same key."""
        return to_base64(self._ciphers[0].encrypt(value.encode(), [name.encode()]))

    def unseal(self, name: str, sealed: str) -> str:
        """The secret; StorageError where another master key sealed it, or where it was changed."""
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(from_base64(sealed), [name.encode()]).decode()
            except (InvalidTag, ValueError):
                continue
        raise StorageError(f"the secret {name} was sealed under another master key, or tampered with")
