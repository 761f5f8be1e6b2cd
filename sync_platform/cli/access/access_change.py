"""What every command on users and tokens does first: it checks the role, and opens the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor, command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.settings import Settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database


def require_change(settings: Settings) -> Actor:
    """The actor of the command line; Forbidden if OPERATOR_ROLE may not change who has access."""
    actor = command_line_actor(settings)
    require_allowed(actor, Action.change_access)
    return actor


@contextmanager
def opened_ledger(settings: Settings) -> Iterator[sa.Engine]:
    """The ledger, whose connections are closed at the end; StorageError where it cannot be opened."""
    engine = open_database(settings.ledger_url, MIGRATIONS)
    try:
        yield engine
    finally:
        engine.dispose()
