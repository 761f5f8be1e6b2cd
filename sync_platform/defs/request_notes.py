"""Notes the progress of a run in the emergency request that it belongs to; nothing for a run without one."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from sync_platform.defs.trigger import REQUEST_ID_TAG
from sync_platform.emergency.sync_progress import Phase, ProgressStore
from sync_platform.errors import StorageError

NOTE_EVERY_S = 1.0
logger = logging.getLogger(__name__)


class RequestNotes:
    """The notes of one platform's run. Notes that cannot be written end no sync."""

    def __init__(self, tags: Mapping[str, str], platform: str, ledger: str) -> None:
        self._request_id, self._platform = tags.get(REQUEST_ID_TAG), platform
        self._store = ProgressStore(ledger)
        self._pages, self._noted_at = 0, 0.0

    def note(self, phase: Phase, details: str, records: int = 0) -> None:
        if self._request_id is None:
            return
        try:
            self._store.note(self._request_id, self._platform, phase, details, records, self._pages)
        except StorageError as error:
            logger.warning("the progress of emergency request %s is not noted: %s", self._request_id, error)
        self._noted_at = time.monotonic()

    def page(self, dataset: str, records: int) -> None:
        """Count a page, and note it at most once a second. `records`: fetched so far."""
        self._pages += 1
        if time.monotonic() - self._noted_at >= NOTE_EVERY_S:
            self.note("fetching", f"fetches {dataset}", records)

    def close(self) -> None:
        self._store.close()
