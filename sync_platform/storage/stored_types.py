"""Types of columns whose values are checked when they are read: SQLite stores any text in a column of times or numbers.

Such a text was written by another program. PostgreSQL refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sync_platform.errors import DamagedValue
from sync_platform.storage.damaged_database import ADVICE


class StoredTime(sa.TypeDecorator[datetime]):
    """A time; DamagedValue where it cannot be read."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        read = super().result_processor(dialect, coltype)
        if read is None:
            return None

        def checked(value: Any) -> datetime | None:
            try:
                return read(value)
            except (ValueError, TypeError):
                raise _damaged(value, "a time") from None

        return checked


class StoredNumber(sa.TypeDecorator[int]):
    """A whole number; DamagedValue where it cannot be read."""

    impl = sa.BigInteger
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:
        if value is None or isinstance(value, int):
            return value
        raise _damaged(value, "a number")


def _damaged(value: object, what: str) -> DamagedValue:
    return DamagedValue(f"{str(value)[:40]!r} is stored where {what} should be: {ADVICE}")
