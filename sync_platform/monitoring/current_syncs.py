"""The syncs of a platform whose outcome counts now.

These are the newest sync of the latest period, and the newest full one. An incremental sync cannot repair what a full
one did not show, so it hides no full sync that is degraded. A backfill of an old period hides nothing either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync_platform.lake.syncs import Status, SyncRecord, worst_status
from sync_platform.monitoring.sync_outcomes import newest_of, outcomes_of
from sync_platform.sources.declaration import Platform


@dataclass(frozen=True)
class CurrentSync:
    """One sync. `records`: the final ones of its datasets, in the order in which the platform declares them."""

    platform: Platform
    records: Sequence[SyncRecord]

    @property
    def sync_id(self) -> str:
        return self.records[0].sync_id

    @property
    def status(self) -> Status:
        return worst_status((record.status for record in self.records), default="failed")

    @property
    def reasons(self) -> list[str]:
        """Why it is not complete: causes before their effects, because a dataset is declared after its parent."""
        return [reason for record in self.records if record.status != "complete" for reason in record.reasons]

    def total(self, count: str) -> int:
        """The sum of a count of its records, such as `quarantined`."""
        return sum(getattr(record, count) for record in self.records)


def current_syncs(platform: Platform, records: Iterable[SyncRecord]) -> list[CurrentSync]:
    """The newest sync first; one or two, and none if the platform was never synced. `records`: its final ones."""
    known_records = list(records)
    newest = [
        newest_of(outcomes_of(known_records)),
        newest_of(outcomes_of(record for record in known_records if record.mode == "full")),
    ]
    order = {dataset.name: number for number, dataset in enumerate(platform.datasets)}
    return [
        CurrentSync(
            platform,
            sorted(
                (record for record in known_records if record.sync_id == sync_id),
                key=lambda record: order.get(record.dataset or "", len(order)),
            ),
        )
        for sync_id in dict.fromkeys(outcome.sync_id for outcome in newest if outcome)
    ]
