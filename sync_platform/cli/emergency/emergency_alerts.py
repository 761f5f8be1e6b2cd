"""Sends the alerts of emergency requests as soon as their state changes, beside the starter's own work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from sync_platform.emergency.request import EmergencyRequest, PlatformRun
from sync_platform.errors import SyncError
from sync_platform.monitoring.emergency_problems import announce_emergencies
from sync_platform.settings import Settings

WHILE_OPEN_EVERY_S = 10.0
"""How often open requests are checked: some trouble, such as a run that waits, changes no state of a run."""
logger = logging.getLogger(__name__)


class EmergencyAlerts:
    """A thread that sends alerts on request, so that a slow channel delays no emergency request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: list[tuple[str, tuple[PlatformRun, ...]]] | None = None
        self._announced_at = 0.0
        self._is_due = threading.Event()
        threading.Thread(target=self._announce_for_ever, daemon=True, name="emergency alerts").start()

    def look(self, requests: Sequence[EmergencyRequest]) -> None:
        """Send alerts if something has changed since the last look. `found`: the open requests."""
        states = [(request.request_id, request.runs) for request in requests]
        is_old = time.monotonic() - self._announced_at > WHILE_OPEN_EVERY_S
        if states != self._known or (states and is_old):
            self._known, self._announced_at = states, time.monotonic()
            self._is_due.set()

    def _announce_for_ever(self) -> None:
        while True:
            self._is_due.wait()
            self._is_due.clear()
            try:
                announce_emergencies(self._settings)
            except SyncError as error:
                logger.error("the alerts of emergency requests are not sent: %s", error)
