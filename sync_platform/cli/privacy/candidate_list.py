"""The candidates of a search for a person, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.cli.output import console
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.privacy.person_search import Candidate

SHOWN = 50
COLUMNS = ("id", "dataset", "found by", "records", "live", "first seen", "last changed")


def show_candidates(persons: Sequence[Candidate]) -> None:
    """Print the candidates that match best; nothing where there is none."""
    if not persons:
        return
    table = FittedTable(COLUMNS, numbers={"records", "live"})
    for each in persons[:SHOWN]:
        times = (local_time(moment) if moment else "–" for moment in (each.first_seen_at, each.last_changed_at))
        name = f"{each.platform}.{each.dataset}"
        table.add_row(each.subject_id, name, ", ".join(each.found_by), f"{each.records:,}", f"{each.live:,}", *times)
    console().print_table(table)
    if len(persons) > SHOWN:
        console().print(f"… the first {SHOWN} of {len(persons):,}; name the person in one more way")
