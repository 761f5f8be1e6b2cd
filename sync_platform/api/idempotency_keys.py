"""Idempotency keys: a write that is sent again with the same key is done once.

What belongs here: recognising a key, and refusing it for another request. The operation itself is done once because
the key is stored with what it makes: an emergency request, or a job.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

import orjson
import sqlalchemy as sa
from fastapi import Header

from sync_platform.api.api_error import ApiError
from sync_platform.permissions.actor import Actor
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime

KEPT = timedelta(days=90)
metadata = sa.MetaData()
keys = sa.Table(
    "api_idempotency_keys",
    metadata,
    sa.Column("request_key", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", StoredTime(), nullable=False),
)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="A text that is new for each request, such as a UUID. The same request with the same key is done "
        "once; another request with it is refused.",
    ),
]


def stored_key(actor: Actor, key: str) -> str:
    """The key under which the result of a request is stored. Each actor has keys of its own."""
    return f"{actor.name}:{key}"


class IdempotencyKeys:
    """The keys in the ledger; StorageError where it cannot be used."""

    def __init__(self, ledger_url: str) -> None:
        self._ledger_url = ledger_url

    @cached_property
    def _engine(self) -> sa.Engine:
        """Opened on first use: what is refused creates no ledger."""
        return open_database(self._ledger_url, MIGRATIONS)

    def require_same(self, actor: Actor, key: str | None, operation: str, content: Mapping[str, Any]) -> str:
        """The key of a request under which its result is stored; ApiError if it was used for another request.

        Without a key, every request is a new one.
        """
        if key is None:
            return f"once:{secrets.token_hex(16)}"
        request_key = stored_key(actor, key)
        stated = orjson.dumps([operation, content], option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(stated).hexdigest()
        if self._stored(request_key, digest) != digest:
            raise ApiError(422, "idempotency_key_reused", "the Idempotency-Key was used for another request")
        return request_key

    def _stored(self, request_key: str, digest: str) -> str:
        """The content that is stored for the key; that of this request if it is the first."""
        engine, now = self._engine, datetime.now(UTC)
        insert = upsert(engine, keys).values(request_key=request_key, content=digest, created_at=now)
        with transaction(engine) as connection:
            connection.execute(sa.delete(keys).where(keys.c.created_at < now - KEPT))
            connection.execute(insert.on_conflict_do_nothing(index_elements=["request_key"]))
            contents = connection.execute(sa.select(keys.c.content).where(keys.c.request_key == request_key))
            return str(contents.scalar())
