"""`sync-platform platforms`: the platforms, their terms and sources, and how the last sync of each ended."""

from __future__ import annotations

import contextlib

from rich.text import Text

from sync_platform.cli.output import coloured, console, line, styled
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, last_syncs
from sync_platform.platforms import load_platforms
from sync_platform.settings import PlatformSettings, load_settings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.lake_connection import Lake, LakeAddress


def show_platforms() -> None:
    """Print the table."""
    settings = load_settings()
    known: dict[str, SyncRecord] = {}
    with contextlib.suppress(NoLakeYet), Lake(LakeAddress.of(settings), read_only=True) as lake:
        known = last_syncs(lake)
    columns = ("platform", "datasets", "cadence", "priority", "source", "terms", "last sync")
    table = FittedTable(columns, optional=("priority", "cadence", "source", "terms"), has_lines=True)
    for platform in load_platforms(settings.platform_path).values():
        own = platform_settings(platform.name)
        table.add_row(
            styled(platform.name, "bold"),
            "\n".join(dataset.name for dataset in platform.datasets),
            platform.cadence,
            platform.priority,
            _source(platform, own),
            platform.terms.summary,
            _last(known.get(platform.name)),
        )
    console().print_table(table)
    console().print("A platform's address is set with <PLATFORM>_BASE_URL; all settings: .env.example")


def _source(platform: Platform, own: PlatformSettings) -> str:
    prefix = platform.name.upper()
    if not own.base_url:
        return f"sandbox ({prefix}_BASE_URL not set)"
    if is_loopback(own.base_url):
        return own.base_url
    return f"{own.base_url} ({'terms accepted' if own.terms_accepted else f'refused: {prefix}_TERMS_ACCEPTED not set'})"


def _last(record: SyncRecord | None) -> str | Text:
    if record is None:
        return "never"
    when = f"{record.committed_at.astimezone(HONG_KONG):%Y-%m-%d %H:%M} HKT"
    return line(f"{when}\n", coloured(record.status), f", {record.partition}")
