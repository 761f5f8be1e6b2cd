"""File lists: the SHA-256 of every file of the lake, as it was when it was first seen. The ledger stores them.

What belongs here: the lists and their hash chain. lake/file_proof.py makes them, and compares the files with them.

A list of the kind `new` has the files that the lake got since the list before. A list of the kind `all` has every file,
and replaces the lists before it: they lose their content, and keep their place in the chain. `content` is a JSON object
with the size in bytes and the SHA-256 (hex) of each file, by its path below the lake's data folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import sqlalchemy as sa

from sync_platform.storage.chained_table import ChainedRow, chained_after, chained_columns
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.object_digest import ObjectDigest
from sync_platform.storage.relational import open_database, transaction

ListKind = Literal["new", "all"]
BEFORE_FIRST_FILE = -1
"""The number before that of the first file: DuckLake counts its files from 0."""

file_lists = sa.Table(
    "file_lists",
    metadata,
    *chained_columns(
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("through", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    ),
    sa.Column("content", sa.Text, nullable=True),
)


@dataclass(frozen=True, kw_only=True)
class FileList(ChainedRow):
    """One list. `through` is the catalog's number of the newest file then; `digest` is the SHA-256 of the content."""

    CHAIN = "sync-platform/files/1"
    kind: str
    recorded_at: str
    through: int
    files: int
    digest: str


class FileLists:
    """The file lists in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str) -> None:
        self._engine = open_database(url, MIGRATIONS)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def chain(self) -> list[FileList]:
        """Every list, in order of their numbers."""
        with transaction(self._engine) as connection:
            return [_list_of(row) for row in connection.execute(sa.select(*_FIELDS).order_by(file_lists.c.number))]

    def last(self) -> FileList | None:
        with transaction(self._engine) as connection:
            row = connection.execute(sa.select(*_FIELDS).order_by(file_lists.c.number.desc()).limit(1)).first()
        return _list_of(row) if row else None

    def append(self, kind: ListKind, through: int, files: Mapping[str, ObjectDigest], after: FileList | None) -> bool:
        """Append a list after the last one, `after`; False, and nothing is written, where another process was first.

        A list of the kind `all` removes the content of the lists before it.
        """
        rows = {path: list(size_and_digest) for path, size_and_digest in files.items()}
        content = orjson.dumps(rows, option=orjson.OPT_SORT_KEYS).decode()
        now, digest = datetime.now(UTC).isoformat(), _digest(content)
        unlinked = FileList(kind=kind, recorded_at=now, through=through, files=len(files), digest=digest)
        made = chained_after(unlinked, after)
        try:
            with transaction(self._engine) as connection:
                connection.execute(sa.insert(file_lists).values(**vars(made), content=content))
                if kind == "all":
                    older = sa.update(file_lists).where(file_lists.c.number < made.number)
                    connection.execute(older.where(file_lists.c.content.is_not(None)).values(content=None))
        except sa.exc.IntegrityError:
            return False
        return True

    def read(self) -> tuple[dict[str, ObjectDigest], list[tuple[FileList, str]]]:
        """The recorded files by path, and each list that is not what it was, with a description of the problem.

        A path counts as it was recorded first.
        """
        recorded: dict[str, ObjectDigest] = {}
        damaged: list[tuple[FileList, str]] = []
        with transaction(self._engine) as connection:
            newest = sa.select(sa.func.max(file_lists.c.number)).where(file_lists.c.kind == "all").scalar_subquery()
            wanted = sa.select(file_lists).where(file_lists.c.number >= sa.func.coalesce(newest, 0))
            for row in connection.execute(wanted.order_by(file_lists.c.number)):
                each, content = _list_of(row), row.content
                if content is None or _digest(content) != each.digest:
                    damaged.append((each, "its content is gone" if content is None else "its content was changed"))
                    continue
                for path, (size, sha256) in orjson.loads(content).items():
                    recorded.setdefault(path, ObjectDigest(size, sha256))
        return recorded, damaged


_FIELDS = [column for column in file_lists.c if column.name != "content"]


def _list_of(row: sa.Row[Any]) -> FileList:
    return FileList(**{column.name: row._mapping[column.name] for column in _FIELDS})


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
