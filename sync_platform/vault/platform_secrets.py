"""Secrets that a platform issues between runs, such as a rotated refresh token. The ledger stores them sealed."""

from __future__ import annotations

from sync_platform.storage.ledger import Ledger
from sync_platform.vault.seal import Vault


class PlatformSecrets:
    """One platform's secrets by name."""

    def __init__(self, ledger: Ledger, vault: Vault, platform: str) -> None:
        self._ledger, self._vault, self._platform = ledger, vault, platform

    def read(self, name: str) -> str | None:
        """The secret last written, or None; StorageError where another master key sealed it."""
        sealed = self._ledger.sealed_secret(self._platform, name)
        return None if sealed is None else self._vault.unseal_own(f"{self._platform}/{name}", sealed)

    def write(self, name: str, value: str) -> None:
        """Store a secret; it is durable when this returns."""
        sealed = self._vault.seal_own(f"{self._platform}/{name}", value)
        self._ledger.write_sealed_secret(self._platform, name, sealed)

    def replace(self, name: str, old: str | None, value: str) -> bool:
        """Store a secret if it is still `old` (None: there is none yet); False where another process changed it."""
        own = f"{self._platform}/{name}"
        sealed_old = None if old is None else self._vault.seal_own(own, old)
        return self._ledger.replace_sealed_secret(self._platform, name, sealed_old, self._vault.seal_own(own, value))
