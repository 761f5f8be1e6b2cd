"""The sources of the data and their terms, from the declarations, the settings and the landed pages of the span.

What belongs here: the sources, and whether their terms are accepted. What is stored of them is in `stored_data`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.landing.source import live_addresses
from sync_platform.settings import PlatformSettings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.object_store import ObjectStore

Stored = Literal["everything", "ids"]


@dataclass(frozen=True)
class SourceTerms:
    """One declared platform.

    `addresses`: the live addresses that are set. `hosts`: the live hosts that landed pages of the span came from.
    `may_store`: what the terms allow. If `is_operators_word`: what the operator declares that an agreement allows.
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
        """True if any of its data is real. Data of the sandbox is invented, and no terms apply to it."""
        return bool(self.addresses or self.hosts)


class _Body(msgspec.Struct):
    url: str


class _Page(msgspec.Struct):
    bodies: list[_Body]


class _Pages(msgspec.Struct):
    """The part of a manifest that is read here."""

    pages: list[_Page]


def source_terms_of(view: LakeView, platforms: Mapping[str, Platform], landing: ObjectStore) -> list[SourceTerms]:
    """Every declared platform, in order of its name."""
    hosts = _live_hosts(view, landing)
    return [
        _source(platform, platform_settings(name), hosts.get(name, set()))
        for name, platform in sorted(platforms.items())
    ]


def judge_terms(sources: Iterable[SourceTerms]) -> Obligation:
    live = [source for source in sources if source.is_live]
    if not live:
        return requirements.TERMS.unchecked(
            "no source is live: everything is fetched from the sandbox or from loopback"
        )
    short = [
        f"{terms.platform} ({', '.join(terms.addresses or terms.hosts)})" for terms in live if not terms.terms_accepted
    ]
    if short:
        return requirements.TERMS.judged(False, f"terms not accepted: {'; '.join(short)}; {len(live)} sources are live")
    return requirements.TERMS.judged(True, f"the terms of {len(live)} of {len(live)} live sources are accepted")


def _source(platform: Platform, own: PlatformSettings, hosts: set[str]) -> SourceTerms:
    terms, addresses = platform.terms, live_addresses(platform, own)
    is_live = bool(addresses or hosts)
    allowed = own.store or (terms.without_agreement if is_live else "everything")
    return SourceTerms(
        platform=platform.name,
        title=platform.title,
        licence=terms.licence,
        url=terms.url,
        agreement_needed=terms.agreement_needed,
        cache_days=terms.cache_days,
        without_agreement=terms.without_agreement,
        origin="live" if addresses else "loopback" if own.base_url else "sandbox",
        addresses=addresses,
        hosts=sorted(hosts),
        terms_accepted=own.terms_accepted,
        may_store=allowed,
        is_operators_word=bool(own.store),
    )


def _live_hosts(view: LakeView, landing: ObjectStore) -> dict[str, set[str]]:
    """By platform, the hosts that pages of the span came from, other than this machine."""
    if not view.has("sync.runs"):
        return {}
    live_hosts: dict[str, set[str]] = {}
    query = f"""SELECT DISTINCT platform, manifest FROM {LAKE}.sync.runs
        WHERE manifest IS NOT NULL AND committed_at BETWEEN $first AND $last ORDER BY ALL"""
    for platform, key in view.rows(query):
        try:
            pages = msgspec.json.decode(landing.get(key), type=_Pages).pages
        except (
            KeyError,
            msgspec.DecodeError,
            UnicodeDecodeError,
        ):  # deleted by retention, or damaged: see verification
            continue
        urls = {urlsplit(body.url)._replace(path="", query="").geturl() for page in pages for body in page.bodies}
        live_hosts.setdefault(platform, set()).update(urlsplit(url).netloc for url in urls if not is_loopback(url))
    return live_hosts
