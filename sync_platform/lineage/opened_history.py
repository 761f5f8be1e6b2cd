"""The history of a lake, opened for stories and exports: one session to read changes, another to follow origins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial

from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet
from sync_platform.lake.chain import chained_digest
from sync_platform.lake.schema import schemas_present
from sync_platform.lineage.origin import OriginFinder
from sync_platform.lineage.past_lake import require_known
from sync_platform.lineage.record_story import StorySources
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore


@contextmanager
def opened_history(
    lake: Lake, table: str, platforms: Mapping[str, Platform], landing: ObjectStore, as_of: datetime | None = None
) -> Iterator[StorySources]:
    """Open the history in the table of that name for reading. NoLakeYet where there is none.

    UsageError for a moment `as_of` that lies in the future or before the first commit.
    """
    with lake.session() as session, lake.session() as other:
        if table.split(".")[0] not in schemas_present(session):
            raise NoLakeYet(f"{lake.address} has no history yet: run `{typed('sync')}` first")
        if as_of:
            require_known(session, as_of)
        yield StorySources(session, table, OriginFinder(landing, platforms, partial(chained_digest, other)), as_of)
