"""A server in this process: its users and tokens, clients of each role, and Dagster with one small job."""

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
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

from sync_platform.permissions.role import Role
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.token_store import TokenStore
from sync_platform.permissions.user_store import UserStore
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.workspace import LOCATION, DagsterWorkspace
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
SMALL_JOB = Path(__file__).parent / "small_job.py"
QUEUE = {"run_coordinator": {"module": "dagster.core.run_coordinator", "class": "QueuedRunCoordinator"}}
"""Runs wait, because no daemon runs in the tests."""


def in_process(origin: LoadableTargetOrigin) -> InProcessWorkspaceLoadTarget:
    """The target of a workspace whose definitions are loaded in this process, under the name of the product's."""
    return InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(origin, location_name=LOCATION))


@dataclass(frozen=True)
class TestedServer:
    """A server, its stores, and clients of it."""

    settings: Settings
    ledger: sa.Engine
    app: Any
    problems: list[str]
    instance: DagsterInstance
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
        DagsterInstance.local_temp(str(folder), overrides=QUEUE) as instance,
        WorkspaceProcessContext(instance, in_process(LoadableTargetOrigin(python_file=str(SMALL_JOB)))) as process,
    ):
        dagster = DagsterWorkspace(process).app
        parts = ServerParts(
            settings, ledger, dagster, list, lambda run_ids: {}, lambda: problems, check_again_s=CHECK_AGAIN_S
        )
        yield TestedServer(settings, ledger, application(parts), problems, instance)
