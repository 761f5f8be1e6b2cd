"""`sync-platform platforms`: the platforms, their terms and sources, and how the last sync of each ended."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.operations.last_syncs import LastSync, newest_syncs
from sync_platform.cli.output import coloured, console, line, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.platforms import load_platforms
from sync_platform.settings import PlatformSettings, load_settings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.sources.login_in_address import without_login


def show_platforms(*, as_json: bool) -> int:
    """Show the platforms; 0."""
    settings = load_settings()
    known = newest_syncs(settings)
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


def _document(platform: Platform, newest: LastSync | None) -> dict[str, Any]:
    own = platform_settings(platform.name)
    last = newest.record if newest else None
    return {
        "platform": platform.name,
        "title": platform.title,
        "datasets": [dataset.name for dataset in platform.datasets],
        "cadence": platform.cadence,
        "priority": platform.priority,
        "base_url": without_login(own.base_url) or None,
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
        return without_login(own.base_url)
    accepted = "terms accepted" if own.terms_accepted else f"refused: {prefix}_TERMS_ACCEPTED not set"
    return f"{without_login(own.base_url)} ({accepted})"


def _last(newest: LastSync | None) -> str | Text:
    if newest is None:
        return "never"
    return line(f"{local_minute(newest.at)}\n", coloured(newest.state), f", {newest.partition}")
