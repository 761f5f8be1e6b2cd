"""`sync-platform freshness`: how old the data of each platform and dataset is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.text import Text

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.freshness import DatasetFreshness, PlatformFreshness, freshness_of
from sync_platform.monitoring.stored_syncs import read_records, stored_datasets
from sync_platform.platforms import choose, load_platforms, platforms_in_use
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

COLUMNS = ("dataset", "cadence", "staleness", "complete as of", "newest data", "state")


def show_freshness(platform: str | None, *, as_json: bool) -> int:
    """Show the freshness; 0, or 1 if a full sync of a platform is late."""
    settings, now = load_settings(), datetime.now(UTC)
    platforms = load_platforms(settings.platform_path)
    chosen = choose(platforms, [platform]) if platform else list(platforms_in_use(platforms, settings).values())
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        records = read_records(lake)
    freshnesses = [freshness_of(each, stored_datasets(each), records.get(each.name, []), now) for each in chosen]
    if as_json:
        write_json({"made_at": now, "platforms": [freshness.document() for freshness in freshnesses]})
    else:
        _show(freshnesses)
    return FAILED if any(freshness.is_late for freshness in freshnesses) else OK


def _show(freshnesses: Sequence[PlatformFreshness]) -> None:
    table = FittedTable(
        COLUMNS, numbers=("staleness",), unbroken=("complete as of",), optional=("newest data", "cadence")
    )
    for platform in freshnesses:
        for freshness in platform.datasets:
            table.add_row(
                f"{platform.platform}.{freshness.dataset}",
                platform.cadence,
                f"{freshness.staleness:.2f}",
                _moment(freshness.shown_at),
                _moment(freshness.newest_data_at),
                _state(freshness),
            )
    terminal = console()
    terminal.print_table(table)
    for platform in freshnesses:
        if platform.syncs_in_future:
            terminal.print(
                f"{platform.platform}: {platform.syncs_in_future} syncs are recorded in the future and do not count",
                soft_wrap=True,
            )
        if platform.is_late:
            terminal.print(
                f"a full sync of {platform.platform} is late: {typed('sync', platform.platform)}", soft_wrap=True
            )


def _moment(moment: datetime | None) -> str:
    return local_minute(moment) if moment else "never"


def _state(freshness: DatasetFreshness) -> Text:
    return styled("late", "red") if freshness.is_late else styled("in time", "green")
