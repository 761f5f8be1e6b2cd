"""Chained tables: append-only tables of a database in which each row has a link to the row before it.

What belongs here: what the audit log, the file lists and the tombstones have in common. storage/hash_chain.py says how
a link is computed, and finds where a chain is broken.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.hash_chain import FIRST, link
from sync_platform.storage.stored_types import StoredNumber

APPEND_ATTEMPTS = 1000
LONGEST_PAUSE_S = 0.02
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class ChainedRow:
    """A row of a chained table. `chained_after` sets `number`, `previous` and `link`.

    A subclass has its own fields, in the order of the columns, and `CHAIN`, the name of the chain, which is a part of
    each link.
    """

    CHAIN: ClassVar[str]
    number: int = 0
    previous: str = FIRST
    link: str = ""

    def own_link(self) -> str:
        """The link computed from the other fields, in the order of the columns."""
        values = vars(self)
        own_values = [values[field.name] for field in fields(self) if field.name not in ("number", "previous", "link")]
        return link(self.CHAIN, self.previous, [self.number, *own_values])


R = TypeVar("R", bound=ChainedRow)


def chained_columns(*columns: sa.Column[Any]) -> list[sa.Column[Any]]:
    """The columns of a chained table with these columns of its own."""
    number: sa.Column[int] = sa.Column("number", StoredNumber(), primary_key=True, autoincrement=False)
    return [
        number,
        *columns,
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
    ]


def chained_after(row: R, last: ChainedRow | None) -> R:
    """The row with the number and the links that it has after `last`; None: it is the first one."""
    number, previous = (last.number, last.link) if last else (0, FIRST)
    numbered = replace(row, number=number + 1, previous=previous)
    return replace(numbered, link=numbered.own_link())


def append_repeatedly(what: str, append: Callable[[], T]) -> T:
    """The result of `append`, which reads the last row and appends after it; repeated where another process was first.

    The number is the primary key of the table. Where two processes append after the same row, the database refuses one
    of them, so that the chain cannot fork and needs no lock. `what`: the table in words, for the error. Raises
    StorageError after APPEND_ATTEMPTS.
    """
    for _ in range(APPEND_ATTEMPTS):
        try:
            return append()
        except sa.exc.IntegrityError:
            time.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 - spreads writers out, is no secret
    raise StorageError(
        f"{what}: could not append in {APPEND_ATTEMPTS} attempts, because other processes append all the time"
    )
