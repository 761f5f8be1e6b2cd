"""The state of this installation now, as the commands of monitoring read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync_platform.monitoring.alert_store import open_alerts
from sync_platform.monitoring.installation_state import InstallationState, WaitingRun, read_state
from sync_platform.settings import Settings


def read_present_state(settings: Settings, now: datetime) -> InstallationState:
    """Everything that can be read, with Dagster's waiting runs and the open alerts."""
    return read_state(settings, lambda: _waiting_runs(settings), lambda own: open_alerts(own.ledger_url), now)


def _waiting_runs(settings: Settings) -> Sequence[WaitingRun]:
    from sync_platform.cli.runner.daemon import waiting_runs  # the import of Dagster takes a second

    return waiting_runs(settings)
