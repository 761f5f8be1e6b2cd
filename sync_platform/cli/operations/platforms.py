"""`sync-platform platforms`: the platforms, their terms and sources, and how the last sync of each ended."""

from __future__ import annotations

import contextlib
from typing import Any

from rich.text import Text

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import coloured, console, line, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, last_syncs
from sync_platform.platforms import load_platforms
from sync_platform.settings import PlatformSettings, load_settings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG
from sync_platform.storage.lake_connection import Lake, LakeAddress


def show_platforms(*, as_json: bool) -> int:
    """Show the platforms; 0."""
    settings = load_settings()
    known: dict[str, SyncRecord] = {}
    with contextlib.suppress(NoLakeYet), Lake(LakeAddress.of(settings), read_only=True) as lake:
        known = last_syncs(lake)
    platforms = load_platforms(settings.platform_path).values()
    if as_json:
        write_json({"platforms": [_document(platform, known.get(platform.name)) for platform in platforms]})
        return OK
    columns = ("platform", "datasets", "cadence", "priority", "source", "terms", "last sync")
    table = FittedTable(columns, optional=("priority", "cadence", "source", "terms"), has_lines=True)
    for platform in platforms:
        table.add_row(
            styled(platform.name, "bold"),
            "\n".join(dataset.name for dataset in platform.datasets),
            platform.cadence,
            platform.priority,
            _source(platform, platform_settings(platform.name)),
            platform.terms.summary,
            _last(known.get(platform.name)),
        )
    console().print_table(table)
    console().print("A platform's address is set with <PLATFORM>_BASE_URL; all settings: .env.example")
    return OK


def _document(platform: Platform, last: SyncRecord | None) -> dict[str, Any]:
    own = platform_settings(platform.name)
    return {
        "platform": platform.name,
        "title": platform.title,
        "datasets": [dataset.name for dataset in platform.datasets],
        "cadence": platform.cadence,
        "priority": platform.priority,
        "base_url": own.base_url or None,
        "is_accepted": not own.base_url or is_loopback(own.base_url) or own.terms_accepted,
        "terms": platform.terms.summary,
        "last_status": last.status if last else None,
        "last_partition": last.partition if last else None,
        "last_at": last.committed_at if last else None,
    }


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
