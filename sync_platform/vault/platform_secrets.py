"""Secrets that a platform issues between runs, such as a rotated refresh token. The ledger stores them sealed."""

from __future__ import annotations

from sync_platform.storage.ledger import Ledger
from sync_platform.vault.own_secrets import OwnSecrets
from sync_platform.vault.seal import Vault


class PlatformSecrets:
    """One platform's secrets by name."""

    def __init__(self, ledger: Ledger, vault: Vault, platform: str) -> None:
        self._ledger, self._vault, self._platform = ledger, vault, platform

    def read(self, name: str) -> str | None:
        """The secret last written, or None; StorageError where another master key sealed it."""
        sealed = self._ledger.sealed_secret(self._platform, name)
        return None if sealed is None else self._vault.own_secrets.unseal(f"{self._platform}/{name}", sealed)

    def write(self, name: str, value: str) -> None:
        """Store a secret; it is durable when this returns."""
        sealed = self._vault.own_secrets.seal(f"{self._platform}/{name}", value)
        self._ledger.write_sealed_secret(self._platform, name, sealed)

    def replace(self, name: str, old: str | None, value: str) -> bool:
        """Store a secret if it is still `old` (None: there is none yet); False where another process changed it."""
        own = f"{self._platform}/{name}"
        secrets = self._vault.own_secrets
        sealed_old = None if old is None else secrets.seal(own, old)
        return self._ledger.replace_sealed_secret(self._platform, name, sealed_old, secrets.seal(own, value))


def reseal_secrets(ledger: Ledger, secrets: OwnSecrets) -> int:
    """Seal every platform's secrets under the present master key; returns their number. A repeat is harmless."""
    stored = ledger.sealed_secrets()
    for (platform, name), sealed in stored.items():
        own = f"{platform}/{name}"
        ledger.replace_sealed_secret(platform, name, sealed, secrets.seal(own, secrets.unseal(own, sealed)))
    return len(stored)
