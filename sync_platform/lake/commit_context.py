"""The context of a commit: which sync of which dataset it belongs to, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CommitContext:
    """What every row of history carries of the sync and the run that wrote it. Times are UTC."""

    platform: str
    dataset: str
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime
