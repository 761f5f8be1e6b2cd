"""The wait of a run before it fetches its platform again. Meanwhile the run gives way to emergency requests.

A waiting run holds the lock and the pool of its platform, so that an emergency run would wait for it. Therefore it
releases the lock as soon as an emergency request for the platform is open, and lets the queue launch its run. It goes
on when the request has ended.
"""

from __future__ import annotations

import random
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import dagster as dg

from sync_platform.defs.platform_lock import PlatformLocks
from sync_platform.defs.platform_pool import restore_pool, widen_pool
from sync_platform.defs.request_notes import RequestNotes
from sync_platform.defs.trigger import REQUEST_ID_TAG
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import StorageError

RETRY_DELAY_S = 120
RETRIES = dg.RetryPolicy(max_retries=2)
"""Without a delay: Dagster would sleep with the platform's lock. `wait_for_retry` waits."""
POLL_S = 1.0
MAX_WAIT = timedelta(hours=1)
"""How long a run waits for an emergency request at most."""
MAX_UNLAUNCHED = timedelta(minutes=1)
"""After that time nothing seems to launch a request: a run does not wait for it."""


def wait_for_retry(
    context: dg.AssetExecutionContext, platform: str, locks: PlatformLocks, ledger: str, notes: RequestNotes
) -> EmergencyRequest | None:
    """Wait before an attempt that repeats a failed one: 120 s before the second one, 360 s before the third one, half
    as long to half as long again.

    The wait ends earlier if an emergency request has synced the platform meanwhile; returns that request then.
    """
    delay_s = RETRY_DELAY_S * (2**context.retry_number - 1) * random.uniform(0.5, 1.5)  # noqa: S311 - is no secret
    attempts = RETRIES.max_retries + 1
    text = f"attempt {context.retry_number + 1} of {attempts} begins in {delay_s:.0f} s"
    context.log.info(text)
    notes.note("between-attempts", text)
    with closing(RequestStore(ledger)) as requests:
        return _RetryWait(context, platform, locks, requests, time.monotonic() + delay_s).run()


class _RetryWait:
    """One wait of a run; `ends_at` is in monotonic seconds."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        platform: str,
        locks: PlatformLocks,
        requests: RequestStore,
        ends_at: float,
    ) -> None:
        self._context, self._platform, self._locks, self._requests = context, platform, locks, requests
        self._ends_at = ends_at
        self._own_request = context.run.tags.get(REQUEST_ID_TAG)

    def run(self) -> EmergencyRequest | None:
        while (left_s := self._ends_at - time.monotonic()) > 0:
            request = self._urgent_request()
            if request is None:
                time.sleep(min(POLL_S, left_s))
                continue
            ended = self._give_way(request)
            if ended.run_of(self._platform).outcome == "complete":
                return ended
        return None

    def _urgent_request(self) -> EmergencyRequest | None:
        """An open request of others for the platform, which is launched or will be."""
        try:
            requests = self._requests.open_requests()
        except StorageError as error:  # a ledger that is away for a moment ends no sync
            self._context.log.warning(f"emergency requests cannot be read: {error}")
            return None
        return next((request for request in requests if self._is_awaited(request)), None)

    def _is_awaited(self, request: EmergencyRequest) -> bool:
        if request.request_id == self._own_request or self._platform not in request.platforms:
            return False
        state, age = request.run_of(self._platform).state, datetime.now(UTC) - request.requested_at
        return state != "finished" and age < (MAX_UNLAUNCHED if state == "requested" else MAX_WAIT)

    def _give_way(self, request: EmergencyRequest) -> EmergencyRequest:
        """Release the platform until the request has ended there. Returns the request as it is then.

        A run that is itself an emergency waits no longer than without that request, so that no two wait for each other.
        """
        self._context.log.info(f"gives way to emergency request {request.request_id}")
        instance, is_widened = self._context.instance, False
        with self._locks.released(self._platform):
            try:
                while self._is_awaited(request) and not (self._own_request and time.monotonic() > self._ends_at):
                    is_widened = is_widened or self._let_queue_launch(request)
                    time.sleep(POLL_S)
                    request = self._requests.find(request.request_id)
            finally:
                if is_widened:
                    restore_pool(instance, self._platform)
        return request

    def _let_queue_launch(self, request: EmergencyRequest) -> bool:
        """Widen the pool once Dagster's queue has the run of the request. Before that, another run could take the slot.

        True if the pool is wider now.
        """
        tags = {REQUEST_ID_TAG: request.request_id, "platform": self._platform}
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED], tags=tags)
        return bool(self._context.instance.get_runs(queued, limit=1)) and widen_pool(
            self._context.instance, self._platform
        )
