"""The holder of a lock, and its label, which others read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self


@dataclass(frozen=True)
class Holder:
    """The holder of a lock: a Dagster run, or what else works under it, and since when (UTC, whole seconds)."""

    run_id: str
    since: datetime

    @property
    def label(self) -> str:
        return f"{self.run_id} {self.since:%Y-%m-%dT%H:%M:%S}"

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """None for a label that no holder wrote: the lock is taken a moment before its label is written."""
        run_id, _, since = label.rpartition(" ")
        try:
            return cls(run_id, datetime.fromisoformat(since).replace(tzinfo=UTC)) if run_id else None
        except ValueError:
            return None
