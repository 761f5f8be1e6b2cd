"""Request files: emergency requests as JSON files in `emergency/` of the landing store.

A file is `{"platforms": ["chope"], "reason": "…", "priority": "high", "requester": "…", "key": "…"}`; only the reason
is required. A file is deleted once its request is durable. A file that is read again after a crash gives the same
request. A file that is not a valid request is moved to `emergency/refused/` with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from sync_platform.emergency.request_document import ProcessedRequests, RequestDocument
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import Submission
from sync_platform.errors import StorageError, UsageError
from sync_platform.sources.declaration import Platform
from sync_platform.storage.object_store import ObjectInfo, ObjectStore

FOLDER = "emergency/"
REFUSED = f"{FOLDER}refused/"
GRACE = timedelta(seconds=10)
"""A younger file that cannot be parsed may not be written completely yet."""


def process_files(
    store: ObjectStore, requests: RequestStore, platforms: Mapping[str, Platform], now: datetime | None = None
) -> ProcessedRequests:
    """Submit the request of every file. An invalid file does not stop the others.

    Raises StorageError where the store cannot be listed.
    """
    processed = ProcessedRequests()
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
        file = msgspec.json.decode(body, type=RequestDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if now - entry.modified_at < GRACE and not isinstance(error, msgspec.ValidationError):
            return None
        raise UsageError(f"it is not a request: {error}") from None
    submission = file.submit(
        requests,
        platforms,
        sender=f"file {entry.key}",
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
