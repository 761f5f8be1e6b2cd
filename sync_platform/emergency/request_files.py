"""Request files: emergency requests as JSON files in `emergency/` of the landing store.

A file is `{"platforms": ["chope"], "reason": "…", "priority": "high", "requester": "…", "key": "…"}`; only the reason
is required. A file is deleted once its request is durable. A file that is read again after a crash gives the same
request. A file that is not a valid request is moved to `emergency/refused/` with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import DEFAULT_PRIORITY, Submission, submit_request
from sync_platform.errors import StorageError, UsageError
from sync_platform.sources.declaration import Platform
from sync_platform.storage.object_store import ObjectInfo, ObjectStore

FOLDER = "emergency/"
REFUSED = f"{FOLDER}refused/"
GRACE = timedelta(seconds=10)
"""A younger file that cannot be parsed may not be written completely yet."""


class RequestFile(msgspec.Struct, forbid_unknown_fields=True):
    """The content of a file. An unknown field is refused: it may be misspelt."""

    reason: str
    platforms: list[str] = []
    priority: str = DEFAULT_PRIORITY
    requester: str = ""
    key: str | None = None


@dataclass
class ProcessedFiles:
    """The submissions, the reasons of refused files by key, and the errors of files that could not be processed now."""

    submissions: list[Submission] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def process_files(
    store: ObjectStore, requests: RequestStore, platforms: Mapping[str, Platform], now: datetime | None = None
) -> ProcessedFiles:
    """Submit the request of every file. An invalid file does not stop the others.

    Raises StorageError where the store cannot be listed.
    """
    processed = ProcessedFiles()
    for entry in _listed(store):
        try:
            try:
                submission = _submit(store, requests, platforms, entry, now or datetime.now(UTC))
            except UsageError as error:
                _refuse(store, entry, str(error))
                processed.refused[entry.key] = str(error)
            else:
                processed.submissions += [submission] if submission else []
        except StorageError as error:
            processed.errors.append(str(error))
    return processed


def _listed(store: ObjectStore) -> list[ObjectInfo]:
    """The files that requests are read from."""
    names = {entry.key.removeprefix(FOLDER): entry for entry in store.entries(FOLDER)}
    return [entry for name, entry in names.items() if "/" not in name and name.lower().endswith(".json")]


def _submit(
    store: ObjectStore, requests: RequestStore, platforms: Mapping[str, Platform], entry: ObjectInfo, now: datetime
) -> Submission | None:
    """Submit the request of a file and delete it; None where the file is gone or not complete yet.

    Raises UsageError with the reason why the file is no valid request.
    """
    try:
        body = store.get(entry.key)
    except KeyError:
        return None  # deleted since it was listed
    try:
        file = msgspec.json.decode(body, type=RequestFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if now - entry.modified_at < GRACE and not isinstance(error, msgspec.ValidationError):
            return None
        raise UsageError(f"it is not a request: {error}") from None
    submission = submit_request(
        requests,
        platforms,
        file.platforms,
        reason=file.reason,
        requester=file.requester.strip() or f"file {entry.key}",
        priority=file.priority,
        key=file.key,
        receipt=f"{entry.key} {entry.modified_at.isoformat()} {hashlib.sha256(body).hexdigest()}",
    )
    store.delete(entry.key)
    return submission


def _refuse(store: ObjectStore, entry: ObjectInfo, reason: str) -> None:
    """Move a file to REFUSED, with the reason beside it. After a kill in between, the file is refused again."""
    try:
        body = store.get(entry.key)
    except KeyError:
        return  # deleted since it was read
    refused = f"{REFUSED}{entry.modified_at:%Y%m%dT%H%M%SZ}-{entry.key.removeprefix(FOLDER)}"
    store.put(f"{refused}.reason.txt", f"{entry.key} was refused: {reason}\n".encode())
    store.put(refused, body)
    store.delete(entry.key)
