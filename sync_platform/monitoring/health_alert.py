"""What health reads of an open alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync_platform.monitoring.problem import Severity


@dataclass(frozen=True)
class OpenAlert:
    """An alert that is not resolved. `is_acknowledged`: a person works on it."""

    alert_id: str
    severity: Severity
    what: str
    opened_at: datetime
    is_acknowledged: bool
