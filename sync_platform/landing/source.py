"""Where a platform is fetched from: its own address if one is set, else the sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import httpx

from sync_platform.errors import TermsNotAccepted
from sync_platform.settings import PlatformSettings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.sources.login_in_address import without_login

SANDBOX_CONCURRENCY = 8


@dataclass(frozen=True)
class Source:
    """Where a platform is fetched from and how: its settings resolved against its declaration.

    `day`: the day that the source shows, if it is not the calendar's: that of a sandbox with a fixed date.
    """

    base_url: str
    archive_url: str
    credentials: dict[str, str] = field(repr=False)
    requests_per_second: float | None
    concurrency: int
    ids_only: bool
    timeout_s: float = 30.0
    attempts: int = 5
    body_limit_mb: int = 256
    longest_pause_s: float = 900.0
    transport: httpx.AsyncBaseTransport | None = None
    day: date | None = None


def resolve_source(
    platform: Platform,
    own: PlatformSettings,
    sandbox_url: str | None,
    *,
    timeout_s: float,
    attempts: int,
    body_limit_mb: int = 256,
    longest_pause_s: float = 900.0,
    sandbox_day: date | None = None,
) -> Source:
    """The source of a platform: its configured address, or the sandbox where none is set.

    `sandbox_day`: the fixed date of the sandbox, if it has one.

    Raises TermsNotAccepted for an address that is not loopback before the operator accepted the terms.
    """
    require_terms(platform, own)
    base_url = own.base_url or f"{sandbox_url}/{platform.name}"
    archive_url = own.archive_url
    if not archive_url and not is_loopback(base_url):
        archive_url = platform.live_archive_url
    elif not archive_url and not own.base_url:
        archive_url = f"{sandbox_url}/{platform.name}_archive"
    is_live = bool(live_addresses(platform, own))
    return Source(
        base_url=base_url,
        archive_url=archive_url,
        credentials={
            "api_key": own.api_key,
            "app_id": own.app_id,
            "app_secret": own.app_secret,
            "refresh_token": own.refresh_token,
        },
        requests_per_second=own.requests_per_second or (platform.pace.requests_per_second if is_live else None),
        concurrency=own.concurrency or (platform.pace.concurrency if is_live else SANDBOX_CONCURRENCY),
        ids_only=is_ids_only(platform, own),
        timeout_s=timeout_s,
        attempts=attempts,
        body_limit_mb=body_limit_mb,
        longest_pause_s=longest_pause_s,
        day=None if own.base_url else sandbox_day,
    )


def is_ids_only(platform: Platform, own: PlatformSettings) -> bool:
    """True if only ids may be stored, so that only the platform's first dataset is fetched."""
    if own.store:
        return own.store == "ids"
    return platform.terms.without_agreement == "ids" and bool(live_addresses(platform, own))


def require_terms(platform: Platform, own: PlatformSettings) -> None:
    """Raise TermsNotAccepted for an address that is not loopback before the operator accepted the terms."""
    live = live_addresses(platform, own)
    if live and not own.terms_accepted:
        prefix = platform.name.upper()
        raise TermsNotAccepted(
            f"{platform.name}: {live[0]} is a live address, and its terms are not accepted "
            f"({platform.terms.summary}; {platform.terms.url}). "
            f"If you may use it, set {prefix}_TERMS_ACCEPTED=true; or unset {prefix}_BASE_URL to use the sandbox."
        )


def live_addresses(platform: Platform, own: PlatformSettings) -> list[str]:
    """The addresses outside this machine from which a sync of the platform would fetch, without logins in them."""
    addresses = [url for url in (own.base_url, own.archive_url) if url and not is_loopback(url)]
    if own.base_url in addresses and not own.archive_url and platform.live_archive_url:
        addresses.append(platform.live_archive_url)
    return [without_login(each) for each in addresses]
