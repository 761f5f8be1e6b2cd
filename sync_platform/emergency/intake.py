"""How a request comes in: one function, for the command line, for files, and for whoever else may ask."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.request import PRIORITIES, Asking, Priority, Request
from sync_platform.errors import UsageError
from sync_platform.platforms import choose
from sync_platform.sources.declaration import Platform

DEFAULT_PRIORITY: Priority = "high"
MOST_CHARACTERS = 500


@dataclass(frozen=True)
class Entered:
    """The request as it stands in the book, and whether it was there before this one was made."""

    request: Request
    folded: bool


def request_run(
    book: RequestBook,
    platforms: Mapping[str, Platform],
    names: list[str],
    *,
    reason: str,
    requester: str,
    priority: str = DEFAULT_PRIORITY,
    key: str | None = None,
    receipt: str | None = None,
) -> Entered:
    """Request a sync of the named platforms (of all when none is named) out of turn; durable when this returns.

    A request of the same platforms that is still open is joined, and raised to this priority if that is higher.
    `key`: whoever asks again under the same key gets the same request, for ever; and no other is joined.
    `receipt`: names the message that brought the request, where it may be brought twice (a file read again).
    Raises UsageError saying what is wrong with a request, StorageError where the ledger cannot be written.
    """
    asking = Asking(_said("requester", requester), _said("reason", reason), _priority(priority), datetime.now(UTC))
    # in the platforms' own order, so that the same ones named otherwise are the same request
    wanted = {platform.name for platform in choose(dict(platforms), names)}
    chosen = [name for name in platforms if name in wanted]
    if key is not None:
        asking_key = f"key:{_said('key', key)}"
    else:
        asking_key = f"receipt:{receipt}" if receipt else f"once:{uuid.uuid4()}"
    request, folded = book.enter(chosen, asking, asking_key, folds=key is None)
    return Entered(request, folded)


def _said(name: str, text: str) -> str:
    """In one line; UsageError where nothing is said, or too much."""
    said = " ".join(text.split())
    if not said:
        raise UsageError(f"an emergency request needs a {name}")
    if len(said) > MOST_CHARACTERS or not said.isprintable():
        raise UsageError(f"the {name} of an emergency request must be at most {MOST_CHARACTERS} printable characters")
    return said


def _priority(text: str) -> Priority:
    found = next((priority for priority in PRIORITIES if priority == text), None)
    if found is None:
        raise UsageError(f"priority {text!r} is none of {', '.join(PRIORITIES)}")
    return found
