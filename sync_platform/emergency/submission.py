"""Submitting an emergency request: one function for every interface (command line, request files)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_platform.emergency.request import PRIORITIES, Asking, EmergencyRequest, Priority
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import UsageError
from sync_platform.logs.log_context import logging_as
from sync_platform.platforms import choose
from sync_platform.sources.declaration import Platform

logger = logging.getLogger(__name__)
DEFAULT_PRIORITY: Priority = "high"
MAX_CHARACTERS = 500


@dataclass(frozen=True)
class Submission:
    """The request as stored. `joined`: true if the request existed before this submission.

    `asking_key`: the key of the asking in the request store.
    """

    request: EmergencyRequest
    joined: bool
    asking_key: str


def submit_request(
    requests: RequestStore,
    platforms: Mapping[str, Platform],
    names: list[str],
    *,
    reason: str,
    requester: str,
    priority: str = DEFAULT_PRIORITY,
    key: str | None = None,
    receipt: str | None = None,
) -> Submission:
    """Request a sync of the named platforms (all if none is named) now; the request is durable when this returns.

    If a request for the same platforms is open, this one joins it, and raises its priority if it is more urgent.
    `key`: an idempotency key. A repeat returns the original request, also when that has ended, and joins no other.
    `receipt`: the id of the message that carried the request, if it may arrive twice (a file that is read again).
    Raises UsageError that says what is wrong with a request, StorageError where the ledger cannot be written.
    """
    asking = Asking(_line("requester", requester), _line("reason", reason), _priority(priority), datetime.now(UTC))
    # in the order of all platforms: the same platforms named in another order are the same request
    wanted = {platform.name for platform in choose(dict(platforms), names)}
    chosen = [name for name in platforms if name in wanted]
    if key is not None:
        asking_key = f"key:{_line('key', key)}"
    else:
        asking_key = f"receipt:{receipt}" if receipt else f"once:{uuid.uuid4()}"
    request, joined = requests.enter(chosen, asking, asking_key, joins=key is None)
    if not joined:
        with logging_as(trace_id=request.request_id):
            logger.info(
                "Emergency sync triggered: request %s, priority %s, platforms: %s",
                request.request_id,
                request.priority,
                ", ".join(request.platforms),
            )
    return Submission(request, joined, asking_key)


def _line(name: str, text: str) -> str:
    """The text in one line; UsageError where it is empty, too long or not printable."""
    line = " ".join(text.split())
    if not line:
        raise UsageError(f"an emergency request needs a {name}")
    if len(line) > MAX_CHARACTERS or not line.isprintable():
        raise UsageError(f"the {name} of an emergency request must be at most {MAX_CHARACTERS} printable characters")
    return line


def _priority(text: str) -> Priority:
    priority = next((priority for priority in PRIORITIES if priority == text), None)
    if priority is None:
        raise UsageError(f"priority {text!r} is none of {', '.join(PRIORITIES)}")
    return priority
