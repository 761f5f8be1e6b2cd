"""The failed runs of Dagster whose own records are a problem already, so that the run is not a second one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sync_platform.lake.syncs import SyncRecord
from sync_platform.lineage.findings import BREAKS
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.sources.declaration import Platform
from sync_platform.storage.audit_log import AuditEntry


def judged_runs(platforms: Mapping[str, Platform], state: InstallationState) -> set[str]:
    """The ids of runs with a record of a sync, of a backup or drill, or of breaks that says that they failed.

    A run that stored only some datasets of a platform, or all of them completely, failed for another reason: it is not
    among them.
    """
    runs = set[str]()
    if not isinstance(state.records, UnreadPart):
        for name, records in state.records.items():
            if name in platforms:
                runs |= set(_of_syncs(platforms[name], records))
    if not isinstance(state.backup_log, UnreadPart):
        runs |= set(_failed(entry for entries in state.backup_log.values() for entry in entries))
    if not isinstance(state.drills, UnreadPart):
        runs |= set(_failed(state.drills))
    if not isinstance(state.verifications, UnreadPart):
        runs |= set(_failed(entry for entry in state.verifications if BREAKS in entry.details))
    return runs


def _of_syncs(platform: Platform, records: Sequence[SyncRecord]) -> Iterator[str]:
    """Runs that failed as a whole, and runs that stored every dataset, of which one is not complete."""
    wanted = set(stored_datasets(platform))
    runs: dict[str, list[SyncRecord]] = {}
    for record in records:
        runs.setdefault(record.run_id, []).append(record)
    for run_id, own in runs.items():
        is_whole = {each.dataset for each in own} >= wanted
        if any(each.status == "failed" for each in own) or (
            is_whole and any(each.status != "complete" for each in own)
        ):
            yield run_id


def _failed(entries: Iterable[AuditEntry]) -> Iterator[str]:
    for entry in entries:
        if entry.outcome == "failed" and (run_id := entry.details.get("run_id")):
            yield run_id
