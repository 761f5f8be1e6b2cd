"""Where data comes from, and on what terms: what is declared, what is set, and what landing shows of the span.

What belongs here: the sources and the duty that terms are accepted. What is kept of them is in `holdings`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.view import View
from sync_platform.settings import PlatformSettings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.objects import ObjectStore

Stored = Literal["everything", "ids"]


@dataclass(frozen=True)
class Source:
    """One declared platform.

    `addresses`: the live ones that are set. `hosts`: the live ones that pages of the span came from, as landing still
    tells. `may_store`: what its terms allow, or what the operator says that an agreement allows.
    """

    platform: str
    title: str
    licence: str
    url: str
    agreement_needed: bool
    cache_days: int | None
    without_agreement: Stored
    origin: Literal["live", "loopback", "sandbox"]
    addresses: list[str]
    hosts: list[str]
    terms_accepted: bool
    may_store: Stored
    is_operators_word: bool

    @property
    def is_live(self) -> bool:
        """Whether anything of it is, or was, real: what the sandbox invents is nobody's."""
        return bool(self.addresses or self.hosts)


class _Body(msgspec.Struct):
    url: str


class _Page(msgspec.Struct):
    bodies: list[_Body]


class _Pages(msgspec.Struct):
    """What is read of a manifest here."""

    pages: list[_Page]


def sources_of(view: View, platforms: Mapping[str, Platform], landing: ObjectStore) -> list[Source]:
    """Every declared platform, by name."""
    hosts = _live_hosts(view, landing)
    return [_source(each, platform_settings(name), hosts.get(name, set())) for name, each in sorted(platforms.items())]


def judge_terms(sources: Iterable[Source]) -> Obligation:
    live = [source for source in sources if source.is_live]
    if not live:
        return duties.TERMS.unchecked("no source is live: everything is fetched from the sandbox or from loopback")
    short = [f"{each.platform} ({', '.join(each.addresses or each.hosts)})" for each in live if not each.terms_accepted]
    if short:
        return duties.TERMS.judged(False, f"terms not accepted: {'; '.join(short)}; {len(live)} sources are live")
    return duties.TERMS.judged(True, f"the terms of {len(live)} of {len(live)} live sources are accepted")


def _source(platform: Platform, own: PlatformSettings, hosts: set[str]) -> Source:
    """The addresses are those that a sync would use (landing/source.py)."""
    terms, addresses = platform.terms, [url for url in (own.base_url, own.archive_url) if url and not is_loopback(url)]
    if own.base_url in addresses and not own.archive_url and platform.live_archive_url:
        addresses.append(platform.live_archive_url)
    is_live = bool(addresses or hosts)
    bound = own.store or (terms.without_agreement if is_live else "everything")
    return Source(
        platform.name,
        platform.title,
        terms.licence,
        terms.url,
        terms.agreement_needed,
        terms.cache_days,
        terms.without_agreement,
        "live" if addresses else "loopback" if own.base_url else "sandbox",
        addresses,
        sorted(hosts),
        own.terms_accepted,
        bound,
        bool(own.store),
    )


def _live_hosts(view: View, landing: ObjectStore) -> dict[str, set[str]]:
    """By platform, the hosts other than this machine that pages synced in the span came from."""
    if not view.has("sync.runs"):
        return {}
    found: dict[str, set[str]] = {}
    query = f"""SELECT DISTINCT platform, manifest FROM {LAKE}.sync.runs
        WHERE manifest IS NOT NULL AND committed_at BETWEEN $first AND $last ORDER BY ALL"""
    for platform, key in view.rows(query):
        try:
            pages = msgspec.json.decode(landing.get(key), type=_Pages).pages
        except (KeyError, msgspec.DecodeError):  # past its days, or damaged, which verification tells
            continue
        urls = {urlsplit(body.url)._replace(path="", query="").geturl() for page in pages for body in page.bodies}
        found.setdefault(platform, set()).update(urlsplit(url).netloc for url in urls if not is_loopback(url))
    return found
