"""The log line with which the sync of a platform ends: its state, and the sums of its datasets.

Operators search logs for these texts, so they stay as they are: `Sync job completed`, `Sync job failed`, and
`processed: N, updated: N, created: N, errors: N`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from sync_platform.documents.states import state_of
from sync_platform.lake.syncs import SyncRecord, worst_status
from sync_platform.logs.redaction import error_in_words, has_harmless_text

PARTITION_TAG = "dagster/partition"


class SyncLog:
    """The records of the syncs of one run, and the error that ended one."""

    def __init__(self, period: str) -> None:
        self._period = period
        self._records: list[SyncRecord] = []
        self._errors: dict[tuple[str, str], str] = {}

    @contextmanager
    def step(self, platform: str, dataset: str = "") -> Iterator[None]:
        """Keep the error with which fetching a platform, or storing a dataset of it, fails; a repeat that succeeds
        removes it."""
        try:
            yield
        except Exception as error:
            text = str(error) if has_harmless_text(error) else f"unexpected {error_in_words(error)}"
            self._errors[platform, dataset] = text
            raise
        self._errors.pop((platform, dataset), None)

    def add(self, record: SyncRecord) -> None:
        self._records.append(record)

    def lines(self) -> Iterator[tuple[int, str]]:
        """The level and the text of the line of each platform that the run has synced, or has failed to sync."""
        failed = [platform for platform, _ in self._errors]
        for platform in dict.fromkeys([*(record.platform for record in self._records), *failed]):
            yield self._line(platform, [record for record in self._records if record.platform == platform])

    def _line(self, platform: str, records: list[SyncRecord]) -> tuple[int, str]:
        counts = {
            "processed": sum(record.records for record in records),
            "updated": sum(record.updated for record in records),
            "created": sum(record.inserted for record in records),
            "errors": sum(record.quarantined for record in records),
        }
        sums = ", ".join(f"{name}: {count}" for name, count in counts.items())
        error = next((text for (failed, _), text in self._errors.items() if failed == platform), None)
        if error is not None:
            return logging.ERROR, f"Sync job failed: {platform} {self._period}: {error}; {sums}"
        status = worst_status((record.status for record in records), default="complete")
        state = state_of(status, has_gaps=any(record.gaps for record in records))
        level = logging.INFO if status == "complete" else logging.WARNING
        return level, f"Sync job completed: {platform} {self._period}, {state}, {sums}"


@dg.resource(description="Logs how the sync of a platform ended, after the last step of its run.")
def sync_log(context: dg.InitResourceContext) -> Iterator[SyncLog]:
    """The sync log of a run; it writes its lines when the run ends."""
    log = SyncLog(context.run.tags.get(PARTITION_TAG, "") if context.run else "")
    yield log
    for level, text in log.lines():
        if context.log is not None:
            context.log.log(level, text)
