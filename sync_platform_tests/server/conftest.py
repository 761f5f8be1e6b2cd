"""A server in this process: its users and tokens, clients of each role, and Dagster with an empty workspace."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget

from sync_platform.permissions.role import Role
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.token_store import TokenStore
from sync_platform.permissions.user_store import UserStore
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.workspace import DagsterWorkspace
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import sandbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it will want another HTTP library in its next major version
    from starlette.testclient import TestClient

__all__ = ["sandbox"]
ORIGIN = "http://127.0.0.1:3000"
GRAPHQL = f"{ORIGIN}/dagster/graphql"
WEBSOCKET = "ws://127.0.0.1:3000/dagster/graphql"
PASSWORD = "correct horse battery"
COOKIE = "sync_session"
HTML = {"Accept": "text/html"}
CHECK_AGAIN_S = 0.05


@dataclass(frozen=True)
class TestedServer:
    """A server, its stores, and clients of it."""

    settings: Settings
    ledger: sa.Engine
    app: Any
    problems: list[str]
    __test__ = False

    @property
    def users(self) -> UserStore:
        return UserStore(self.ledger)

    @property
    def sessions(self) -> SessionStore:
        return SessionStore(self.ledger, timedelta(hours=1))

    @property
    def tokens(self) -> TokenStore:
        return TokenStore(self.ledger)

    def client(self, role: Role | None = None, **headers: str) -> TestClient:
        """A client with a token of a role, or without any credentials."""
        client = TestClient(self.app, ORIGIN, follow_redirects=False, headers=headers)
        if role is not None:
            client.headers["Authorization"] = f"Bearer {self.token(role)}"
        return client

    def token(self, role: Role, *scope: str) -> str:
        number = len(self.tokens.all_tokens())
        return self.tokens.create(f"{role}-{number}", role, scope, timedelta(days=1), "test")[1]

    def browser(self, *roles: Role, name: str = "ada", origin: str | None = ORIGIN) -> TestClient:
        """A client with the cookie of a new session, which sends this Origin."""
        self.users.add_if_missing(name, roles)
        client = self.client(**({"Origin": origin} if origin else {}))
        client.cookies.set(COOKIE, self.sessions.begin(name))
        return client

    def entries(self, operation: str | None = None) -> list[AuditEntry]:
        return list(AuditLog(self.settings.ledger_url).entries(operation=operation))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestedServer]:
    """One server for the tests of a module: making it takes a second."""
    home: Path = tmp_path_factory.mktemp("served")
    settings = load_settings(sync_home=home)
    ledger = open_database(settings.ledger_url, MIGRATIONS)
    problems: list[str] = []
    folder = home / "dagster"
    folder.mkdir()
    with (
        DagsterInstance.local_temp(str(folder)) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as process,
    ):
        dagster = DagsterWorkspace(process).app
        parts = ServerParts(
            settings, ledger, dagster, list, lambda run_ids: {}, lambda: problems, check_again_s=CHECK_AGAIN_S
        )
        yield TestedServer(settings, ledger, application(parts), problems)
