"""The health now, computed once for all who ask: reading the state takes longer than a request may.

A health older than `health_age_s` is computed again while the older one is still answered; only the first request
waits. One that is too old to be answered is waited for.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from sync_platform.api.context import ApiContext
from sync_platform.api.health_answer import HealthAnswer, LastBackup, health_answer
from sync_platform.api.last_backup import LastBackupReader
from sync_platform.monitoring.alert_store import open_alerts
from sync_platform.monitoring.installation_state import read_state

logger = logging.getLogger(__name__)
OLDEST_ANSWERED = 6
"""While a newer health is computed, one that is up to this many times `health_age_s` old is answered."""


class CurrentHealth:
    """The health of the installation; `answer` may be called from several threads."""

    def __init__(self, context: ApiContext) -> None:
        self._context, self._backups = context, LastBackupReader(context.settings)
        self._computing = threading.Lock()
        self._known: HealthAnswer | None = None

    def known(self) -> HealthAnswer | None:
        """The health, if it is known and younger than `health_age_s`. It waits for nothing."""
        known_answer = self._known
        return known_answer if known_answer and self._is_younger(known_answer, 1) else None

    def answer(self) -> HealthAnswer:
        """The health, at most OLDEST_ANSWERED times `health_age_s` old; StorageError where nothing can be read."""
        known_answer = self._known
        if known_answer and self._is_younger(known_answer, 1):
            return known_answer
        if known_answer and self._is_younger(known_answer, OLDEST_ANSWERED):
            if self._computing.acquire(blocking=False):
                threading.Thread(target=self._compute_in_background, daemon=True).start()
            return known_answer
        with self._computing:
            if self._known is None or not self._is_younger(self._known, 1):
                self._known = self._read()
            return self._known

    def _is_younger(self, known_answer: HealthAnswer, times: int) -> bool:
        limit = timedelta(seconds=self._context.health_age_s) * times
        return timedelta() <= datetime.now(UTC) - known_answer.made_at < limit

    def _compute_in_background(self) -> None:
        try:
            self._known = self._read()
        except Exception:
            logger.exception("the health cannot be computed")
        finally:
            self._computing.release()

    def _read(self) -> HealthAnswer:
        context, now = self._context, datetime.now(UTC)
        state = read_state(context.settings, context.waiting_runs, lambda own: open_alerts(own.ledger_url), now)
        last: LastBackup | None = self._backups.read(state.backups)
        return health_answer(context.settings, context.platforms, state, last, now)
