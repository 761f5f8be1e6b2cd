"""How a restore, or what it would do, is shown in a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from sync_platform.backup.chosen_commit import ChosenCommit
from sync_platform.backup.conflict import Conflict
from sync_platform.backup.restore_difference import ExampleRow, TableDifference
from sync_platform.cli.output import Terminal
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import counted
from sync_platform.storage.lake_address import LakeAddress

WORDS = {
    "insert": "new",
    "restore": "restored",
    "update": "updated",
    "refresh": "updated, without history",
    "remove": "removed",
}


def show_fresh(
    terminal: Terminal,
    chosen: ChosenCommit,
    address: LakeAddress,
    rows: Mapping[str, int],
    home: str,
    rto_s: float | None,
    *,
    with_recovery_key: bool,
) -> None:
    """Show what a restore into a new lake has restored; `rto_s`: within which time, None where it would only do so."""
    table = FittedTable(("table", "rows"), numbers=("rows",))
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    terminal.print_table(table)
    verb = "Would restore" if rto_s is None else "Restored"
    terminal.print(f"{verb} {chosen.in_words} into {address}.", soft_wrap=True)
    if rto_s is None:
        terminal.print("Nothing was changed.")
    else:
        lost = f"what was committed after {local_time(chosen.commit.at)} is not in it"
        terminal.print(f"RTO {rto_s:.1f} s; RPO: {lost}", soft_wrap=True)
    if home and rto_s is not None:
        terminal.print(f"Next: SYNC_HOME={shlex.quote(str(home))} {typed('lineage', 'verify')}", soft_wrap=True)
        terminal.print(
            "It has no keys of persons: personal values stay sealed until the vault is there (docs/backup.md).",
            soft_wrap=True,
        )
    if with_recovery_key:
        terminal.print(
            "The recovery key opens backups and no personal value. Those stay unreadable until "
            f"`{typed('vault', 'restore')}` brings back the vault, and its master key; without a backup of the vault, "
            "for ever.",
            soft_wrap=True,
        )


def show_difference(
    terminal: Terminal,
    chosen: ChosenCommit,
    differences: list[TableDifference],
    conflict: Conflict,
    safety: str | None,
    *,
    dry_run: bool,
) -> None:
    words = tuple(WORDS.values())
    table = FittedTable(("table", *words), numbers=words)
    for each in differences:
        counts = (each.inserted, each.restored, each.updated, each.refreshed, each.removed)
        table.add_row(each.table, *(f"{count:,}" for count in counts))
    terminal.print_table(table)
    for each in differences:
        for line in _examples(each.examples):
            terminal.print(f"{each.table} {line}", soft_wrap=True)
        if each.watermark:
            terminal.print(
                f"{each.table}: incremental syncs read again from {local_time(each.watermark)}", soft_wrap=True
            )
    total = sum(each.in_history + each.refreshed for each in differences)
    verb = "Would change" if dry_run else "Changed"
    terminal.print(f"{verb} {counted(total, 'row')} ({conflict}): {chosen.in_words}.", soft_wrap=True)
    if dry_run and conflict is Conflict.skip:
        terminal.print("Live rows stay as they are; --conflict merge and --conflict overwrite also change live rows.")
    if safety:
        terminal.print(f"The state before is in {safety}: restore that to undo this.", soft_wrap=True)
    if dry_run:
        terminal.print("Nothing was changed.")
    elif total:
        terminal.print("The next full sync of a platform brings its present state again.")


def _examples(examples: Iterable[ExampleRow]) -> Iterable[str]:
    for each in examples:
        columns = f": {', '.join(each.columns)}" if each.columns else ""
        yield f"{each.entity_id} {WORDS[each.operation]}{columns}"
