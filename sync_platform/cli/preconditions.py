"""Conditions that a command checks before it does anything."""

from __future__ import annotations

from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError, UsageError
from sync_platform.landing.source import require_terms
from sync_platform.platforms import choose
from sync_platform.settings import Settings, platform_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.missing_lake import require_not_lost


def require_lake(settings: Settings) -> None:
    """Raise StorageError if nothing was synced yet, or if the lake was lost."""
    address = LakeAddress.of(settings)
    require_not_lost(address)
    if not address.exists:
        raise StorageError(f"there is no lake yet: run `{typed('sync')}` first")


def require_accepted_terms(platforms: list[Platform]) -> None:
    """Raise TermsNotAccepted for a live platform before anything is fetched from any platform."""
    for platform in platforms:
        require_terms(platform, platform_settings(platform.name))


def require_dataset(platforms: dict[str, Platform], platform: str, dataset: str | None) -> None:
    """Raise UsageError for an unknown platform, or for a dataset that it does not have."""
    (chosen,) = choose(platforms, [platform])
    names = [each.name for each in chosen.datasets]
    if dataset is not None and dataset not in names:
        raise UsageError(f"{platform} has no dataset {dataset!r}; it has {', '.join(names)}")
