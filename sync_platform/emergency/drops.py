"""Requests dropped as files into `emergency/` of the landing store: taken into the book, or set aside with the reason.

A file is `{"platforms": ["chope"], "reason": "…", "priority": "high", "requester": "…", "key": "…"}`; only the reason
is needed. It is deleted once its request is durable; read again after a crash, it is the same request.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.intake import DEFAULT_PRIORITY, Entered, request_run
from sync_platform.errors import StorageError, UsageError
from sync_platform.sources.declaration import Platform
from sync_platform.storage.objects import ObjectInfo, ObjectStore

FOLDER = "emergency/"
REFUSED = f"{FOLDER}refused/"
GRACE = timedelta(seconds=10)
"""A file that cannot be read this soon after it was written may still be being written."""


class Dropped(msgspec.Struct, forbid_unknown_fields=True):
    """What stands in a file. A field that we do not know is refused: it may be a misspelt one."""

    reason: str
    platforms: list[str] = []
    priority: str = DEFAULT_PRIORITY
    requester: str = ""
    key: str | None = None


@dataclass
class Intake:
    """What became of the files: requests, refusals by key with their reasons, and files that cannot be handled now."""

    entered: list[Entered] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)


def take_in_drops(
    store: ObjectStore, book: RequestBook, platforms: Mapping[str, Platform], now: datetime | None = None
) -> Intake:
    """Take in every file dropped; what is wrong with one keeps none of the others.

    Raises StorageError where the store cannot be listed at all.
    """
    intake = Intake()
    for entry in list(store.entries(FOLDER)):
        name = entry.key.removeprefix(FOLDER)
        if "/" in name or not name.lower().endswith(".json"):
            continue
        try:
            _take_in(store, book, platforms, entry, name, now or datetime.now(UTC), intake)
        except StorageError as error:
            intake.troubles.append(str(error))
    return intake


def _take_in(
    store: ObjectStore,
    book: RequestBook,
    platforms: Mapping[str, Platform],
    entry: ObjectInfo,
    name: str,
    now: datetime,
    intake: Intake,
) -> None:
    try:
        body = store.get(entry.key)
    except KeyError:
        return  # withdrawn since it was listed
    try:
        dropped = msgspec.json.decode(body, type=Dropped)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if now - entry.modified_at >= GRACE or isinstance(error, msgspec.ValidationError):
            _refuse(store, entry, name, body, f"it is not a request: {error}", intake)
        return
    try:
        entered = request_run(
            book,
            platforms,
            dropped.platforms,
            reason=dropped.reason,
            requester=dropped.requester.strip() or f"file {entry.key}",
            priority=dropped.priority,
            key=dropped.key,
            receipt=f"{entry.key} {entry.modified_at.isoformat()} {hashlib.sha256(body).hexdigest()}",
        )
    except UsageError as error:
        _refuse(store, entry, name, body, str(error), intake)
        return
    store.delete(entry.key)
    intake.entered.append(entered)


def _refuse(store: ObjectStore, entry: ObjectInfo, name: str, body: bytes, reason: str, intake: Intake) -> None:
    """Move a file aside beside its note; killed in between, it does the same again."""
    aside = f"{REFUSED}{entry.modified_at:%Y%m%dT%H%M%SZ}-{name}"
    store.put(f"{aside}.reason.txt", f"{entry.key} was refused: {reason}\n".encode())
    store.put(aside, body)
    store.delete(entry.key)
    intake.refused[entry.key] = reason
