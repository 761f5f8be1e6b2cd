"""`sync-platform backup restore`: into a fresh home, or into the lake of this installation."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from sync_platform.backup.catalog_load import has_tables
from sync_platform.backup.chosen_commit import choose_commit
from sync_platform.backup.conflict import Conflict
from sync_platform.backup.made_backups import read_made_backups
from sync_platform.backup.restore_target import target_of
from sync_platform.cli.backup.restore_into_lake_in_use import restore_into_lake_in_use
from sync_platform.cli.backup.restore_into_new_lake import restore_into_empty_installation, restore_into_fresh_home
from sync_platform.cli.backup.restore_request import RestoreRequest
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_beginning, parse_moment, require_begun
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress


def restore(
    backup_id: str | None,
    at: str | None,
    target: str,
    sources: list[str],
    conflict: Conflict,
    *,
    replica: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Restore, or say what a restore would do; 0. UsageError for a wrong target, backup, source or moment."""
    from sync_platform.defs.backups import backups_of

    began_s = time.monotonic()
    if backup_id is not None and at is not None:
        raise UsageError("name a backup or a moment (--at), not both")
    settings = load_settings()
    fresh_home = target_of(target, settings)
    moment = parse_moment(at, "--at") if at is not None else None
    backups = backups_of(settings, from_replica=replica)
    made = read_made_backups(settings.ledger_url, settings.backup_url)  # before the store: backups are made meanwhile
    chosen = choose_commit(backups.repository(), backup_id, moment, sources, made)
    if moment is not None and chosen.commit.at <= (now := datetime.now(UTC)):
        # today counts, though its end is still to come; commits of a clock that was ahead are found by their own time
        require_begun(parse_beginning(str(at), "--at"), str(at), "--at", now)
    names = sorted(set(sources))
    request = RestoreRequest(settings, backups, chosen, names, conflict, replica, dry_run, as_json, began_s)
    if fresh_home is not None:
        return restore_into_fresh_home(request, fresh_home)
    if has_tables(LakeAddress.of(settings)):
        return restore_into_lake_in_use(request)
    return restore_into_empty_installation(request)
