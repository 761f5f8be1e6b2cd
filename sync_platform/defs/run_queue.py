"""The queue in Redis in which runs wait for a worker, as the launcher (Celery's, with kombu) writes it.

What belongs here: whether a run waits there. Handing runs out doesn't: Celery does that. It needs the extra `fleet`.
"""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING

from kombu.transport.redis import Channel

if TYPE_CHECKING:
    from redis import Redis

QUEUE = "dagster"
KEYS = [QUEUE, *(f"{QUEUE}{Channel.sep}{priority}" for priority in Channel.priority_steps if priority)]
"""One list for each priority."""


class RunQueue:
    """The messages of runs that no worker has taken yet; at most `max_concurrent_runs`."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def has(self, run_id: str) -> bool:
        """True if the run waits for a worker. Raises RedisError where Redis does not answer."""
        return any(run_id.encode() in _task(each) for key in KEYS for each in self._redis.lrange(key, 0, -1))


def _task(message: bytes | str) -> bytes:
    """The arguments of a message's task, in JSON: the run's id among them."""
    return b64decode(json.loads(message)["body"])
