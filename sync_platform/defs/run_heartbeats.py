"""Heartbeats of runs on workers: a key in Redis for each run, which its worker renews and which expires by itself.

What belongs here: when the worker of a run counts as gone. What happens to the run then doesn't. It needs the extra
`fleet`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.exceptions import RedisError

from sync_platform.defs.run_queue import RunQueue

logger = logging.getLogger(__name__)
BEAT_EVERY_S = 2.0
EXPIRES_AFTER_S = 8
GONE_AFTER_S = 8.0
"""How long a heartbeat must be missing. When Redis returns after an outage, all are missing until the next beat."""
FORGOTTEN_AFTER_S = 20.0
"""How long two looks may be apart, so that what was missing at both counts as missing meanwhile."""
ANSWERS_WITHIN_S = 3.0
PREFIX = "sync-platform/run/"


class Absences:
    """Since when the heartbeat of each run is missing, and when this process looked last."""

    def __init__(self) -> None:
        self._looks: dict[str, tuple[float, float]] = {}

    def is_gone(self, run_id: str, has_heartbeat: bool | None, now: float) -> bool:
        """True if the heartbeat is missing for GONE_AFTER_S, at every look meanwhile.

        `has_heartbeat`: None where Redis did not answer. `now`: a monotonic time in seconds.
        """
        if has_heartbeat is not False:
            self._looks.pop(run_id, None)
            return False
        since, last = self._looks.get(run_id, (now, now))
        if now - last > FORGOTTEN_AFTER_S:  # such as a run that went back to Dagster's queue meanwhile
            since = now
        self._looks[run_id] = since, now
        return now - since >= GONE_AFTER_S


ABSENCES = Absences()
"""Of this process: sensors and launchers are made anew again and again."""


class RunHeartbeats:
    """The heartbeats in the Redis at an address (`redis://host:6379/0`). Where it does not answer, no method raises."""

    def __init__(self, address: str) -> None:
        self._redis = Redis.from_url(address, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S)
        self._queue = RunQueue(self._redis)
        self._is_lost = False

    @contextmanager
    def sent(self, run_id: str, worker: str) -> Iterator[None]:
        """Say that the worker has the run for as long as the block lasts, whatever the block waits for."""
        self._beat(run_id, worker)
        ends = threading.Event()
        sender = threading.Thread(target=self._send, args=(run_id, worker, ends), daemon=True)
        sender.start()
        try:
            yield
        finally:
            ends.set()
            sender.join()
            self._end(run_id)

    def is_gone(self, run_id: str) -> bool:
        """True if the worker of a run that was taken is gone. Only a process that asks again and again learns that."""
        return ABSENCES.is_gone(run_id, self._has_heartbeat(run_id), time.monotonic())

    def is_lost(self, run_id: str) -> bool:
        """True if a run that has not begun never will: neither the queue has it nor a worker. Ask again and again."""
        try:
            waits = self._queue.has(run_id)
        except RedisError:
            return ABSENCES.is_gone(run_id, None, time.monotonic())
        # in this order: a run that a worker takes between the two questions has its heartbeat
        return ABSENCES.is_gone(run_id, waits or self._has_heartbeat(run_id), time.monotonic())

    def _send(self, run_id: str, worker: str, ends: threading.Event) -> None:
        while not ends.wait(BEAT_EVERY_S):
            self._beat(run_id, worker)

    def _beat(self, run_id: str, worker: str) -> None:
        try:
            self._redis.set(f"{PREFIX}{run_id}", worker, ex=EXPIRES_AFTER_S)
        except RedisError as error:
            if not self._is_lost:
                logger.warning("the heartbeat of run %s cannot be sent: %s", run_id, error)
            self._is_lost = True
        else:
            self._is_lost = False

    def _end(self, run_id: str) -> None:
        """Delete the heartbeat of a run that has ended."""
        try:
            self._redis.delete(f"{PREFIX}{run_id}")
        except RedisError:
            return  # it expires by itself

    def _has_heartbeat(self, run_id: str) -> bool | None:
        try:
            return bool(self._redis.exists(f"{PREFIX}{run_id}"))
        except RedisError:
            return None
