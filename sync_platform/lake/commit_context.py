"""The context of a commit: its dataset, sync, run and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CommitContext:
    """The columns that every row of a commit's history has in common. Times are UTC."""

    platform: str
    dataset: str
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime
