"""The samples of all metrics now, for every interface that shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.metric import Sample
from sync_platform.monitoring.metric_samples import samples_of
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform


def present_samples(
    settings: Settings, platforms: Mapping[str, Platform], state: InstallationState, now: datetime
) -> list[Sample]:
    """The samples of the state, with the open alerts by severity where they are known."""
    alerts = None if isinstance(state.alerts, UnreadPart) else Counter(alert.severity for alert in state.alerts)
    return samples_of(state, platforms, health_of(settings, platforms, state, now), now, alerts)
