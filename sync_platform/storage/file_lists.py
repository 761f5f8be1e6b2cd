"""File lists: the SHA-256 of every file of the lake, as it was when it was first seen. The ledger stores them.

What belongs here: the lists and their hash chain. lake/file_proof.py makes them, and compares the files with them.

A list of the kind `new` has the files that the lake got since the list before. A list of the kind `all` has every file,
and replaces the lists before it: they lose their content, and keep their place in the chain. `content` is a JSON object
with the size in bytes and the SHA-256 (hex) of each file, by its path below the lake's data folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import orjson
import sqlalchemy as sa

from sync_platform.storage.hash_chain import FIRST, link
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.object_digest import ObjectDigest
from sync_platform.storage.relational import open_database, transaction

CHAIN = "sync-platform/files/1"
ListKind = Literal["new", "all"]
NOTHING = -1
"""The number before that of the first file: DuckLake counts its files from 0."""

file_lists = sa.Table(
    "file_lists",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sa.Column("through", sa.BigInteger, nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=True),
)


@dataclass(frozen=True)
class FileList:
    """One list. `through` is the catalog's number of the newest file then; `digest` is the SHA-256 of the content."""

    number: int
    kind: str
    recorded_at: str
    through: int
    files: int
    digest: str
    previous: str
    link: str

    def own_link(self) -> str:
        """The link computed from the other fields, in the order of the columns."""
        return link(CHAIN, self.previous, astuple(self)[:-2])


class FileLists:
    """The file lists in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str) -> None:
        self._engine = open_database(url, MIGRATIONS)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def chain(self) -> list[FileList]:
        """Every list, in order of their numbers."""
        fields = [column for column in file_lists.c if column.name != "content"]
        with transaction(self._engine) as connection:
            rows = connection.execute(sa.select(*fields).order_by(file_lists.c.number)).all()
        return [FileList(*row) for row in rows]

    def last(self) -> FileList | None:
        chain = sa.select(file_lists).order_by(file_lists.c.number.desc()).limit(1)
        with transaction(self._engine) as connection:
            found = connection.execute(chain).first()
        return FileList(*found[:-1]) if found else None

    def append(self, kind: ListKind, through: int, files: Mapping[str, ObjectDigest], after: FileList | None) -> bool:
        """Append a list after the last one, `after`; False, and nothing is written, where another process was first.

        A list of the kind `all` removes the content of the lists before it.
        """
        rows = {path: list(found) for path, found in files.items()}
        content = orjson.dumps(rows, option=orjson.OPT_SORT_KEYS).decode()
        number, previous = (after.number, after.link) if after else (0, FIRST)
        now, digest = datetime.now(UTC).isoformat(), _digest(content)
        unlinked = FileList(number + 1, kind, now, through, len(files), digest, previous, "")
        made = replace(unlinked, link=unlinked.own_link())
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
            for *fields, content in connection.execute(wanted.order_by(file_lists.c.number)):
                each = FileList(*fields)
                if content is None or _digest(content) != each.digest:
                    damaged.append((each, "its content is gone" if content is None else "its content was changed"))
                    continue
                for path, (size, sha256) in orjson.loads(content).items():
                    recorded.setdefault(path, ObjectDigest(size, sha256))
        return recorded, damaged


def _digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
