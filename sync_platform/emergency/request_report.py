"""The report of an emergency request: who asked, why and when, and per platform the result or the progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_platform.documents.states import state_of, worst_state
from sync_platform.emergency.request import EmergencyRequest, PlatformRun
from sync_platform.lake.syncs import COUNTS, SyncRecord


@dataclass(frozen=True)
class PlatformReport:
    """One platform's part. `records`: the newest sync of each dataset; `progress`: the last message of its run."""

    run: PlatformRun
    records: list[SyncRecord]
    progress: str | None

    @property
    def status(self) -> str:
        return self.run.outcome or self.run.state

    @property
    def state_in_words(self) -> str:
        """The status in the word that people read."""
        return state_of(self.run.ended_in_words, has_gaps=bool(self.gaps))

    @property
    def reasons(self) -> list[str]:
        """Why it is not complete, each reason once."""
        reasons = [
            f"{record.dataset}: {reason}" if record.dataset else reason
            for record in self.records
            for reason in record.reasons
        ]
        return list(dict.fromkeys([*([self.run.error] if self.run.error else []), *reasons]))

    @property
    def gaps(self) -> list[str]:
        """What is known to be missing within the gap tolerance."""
        return [f"{record.dataset}: {gap}" for record in self.records for gap in record.gaps]

    def total(self, count: str) -> int:
        return sum(getattr(record, count) for record in self.records)

    def document(self) -> dict[str, Any]:
        return {
            "platform": self.run.platform,
            "status": self.status,
            "run_id": self.run.run_id,
            "launched_by": self.run.launched_by,
            "launched_at": _written(self.run.launched_at),
            "finished_at": _written(self.run.finished_at),
            "progress": self.progress,
            "reasons": self.reasons,
            "gaps": self.gaps,
            "datasets": [
                {
                    "dataset": record.dataset,
                    "sync_id": record.sync_id,
                    "status": record.status,
                    **{count: getattr(record, count) for count in COUNTS},
                }
                for record in self.records
                if record.dataset
            ],
        }


@dataclass(frozen=True)
class RequestReport:
    """A request with the report of each of its platforms."""

    request: EmergencyRequest
    platforms: list[PlatformReport]

    @property
    def status(self) -> str:
        """complete, degraded or failed once it has ended; its state before that."""
        return self.request.outcome or self.request.state

    @property
    def state_in_words(self) -> str:
        """The status in the word that people read: the worst of its platforms."""
        words = [platform.state_in_words for platform in self.platforms]
        return self.request.state if self.request.is_open else worst_state(words) or self.status

    def document(self) -> dict[str, Any]:
        request = self.request
        return {
            "request_id": request.request_id,
            "status": self.status,
            "priority": request.priority,
            "requester": request.requester,
            "reason": request.reason,
            "requested_at": _written(request.requested_at),
            "launched_at": _written(request.launched_at),
            "finished_at": _written(request.finished_at),
            "askings": [
                {
                    "requester": asking.requester,
                    "reason": asking.reason,
                    "priority": asking.priority,
                    "asked_at": _written(asking.asked_at),
                }
                for asking in request.askings
            ],
            "platforms": [platform.document() for platform in self.platforms],
        }


def report_on(request: EmergencyRequest, records: list[SyncRecord], progress: Mapping[str, str]) -> RequestReport:
    """The report from a stored request, sync records in the lake, and the progress of unfinished runs by run id."""
    of_request = [record for record in records if record.request_id == request.request_id]
    return RequestReport(
        request,
        [
            PlatformReport(run, newest_of(of_request, run.platform), progress.get(run.run_id or ""))
            for run in request.runs
        ],
    )


def newest_of(records: list[SyncRecord], platform: str) -> list[SyncRecord]:
    """The newest record of each dataset of a platform. Where there is none: the record of the platform's failure."""
    of_platform = [record for record in records if record.platform == platform]
    newest = {record.dataset: record for record in of_platform}
    failure = newest.pop(None, None)
    return list(newest.values()) or ([failure] if failure else [])


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
