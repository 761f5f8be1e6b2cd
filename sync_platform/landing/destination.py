"""Where pages are landed: an object store, a vault, and the limits of one object."""

from __future__ import annotations

from dataclasses import dataclass

from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.seal import Vault


@dataclass(frozen=True)
class ObjectLimits:
    """When a landing object is full, and when waiting records are sealed."""

    size_bytes: int = 1_000_000
    """Before compression. The page that reaches it closes the object."""
    age_s: float = 20.0
    """The object of a slow platform is closed after this time, so that little is lost with a sync that dies."""
    sealed_at_once: int = 1_000
    """Number of records. To seal more of them together saves almost nothing."""


DEFAULT_LIMITS = ObjectLimits()


@dataclass(frozen=True)
class Destination:
    """The store that receives the objects, the vault that seals personal fields, and the limits of one object.

    `refuses_undeclared`: a page with a personal field that no platform file declares is refused, instead of sealed.
    """

    store: ObjectStore
    vault: Vault
    limits: ObjectLimits = DEFAULT_LIMITS
    refuses_undeclared: bool = False
