"""Dagster's instance and its code location, as the server uses them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster
from dagster import DagsterInstance
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget, WorkspaceLoadTarget
from dagster._grpc.client import DagsterGrpcClient
from starlette.types import ASGIApp

from sync_platform.server.access_log import AccessLog
from sync_platform.server.access_table import AccessTable
from sync_platform.server.dagster_ui.guarded_webserver import GuardedWebserver

LOCATION = "sync_platform.definitions"
DAEMON_SILENT_S = 90.0
"""A running daemon sends a heartbeat every 30 seconds."""


class DagsterWorkspace:
    """The instance and the workspace of one process."""

    def __init__(self, process: WorkspaceProcessContext) -> None:
        self.process = process

    def app(self, table: AccessTable, log: AccessLog) -> ASGIApp:
        """The UI and GraphQL, to be mounted below their prefix."""
        return GuardedWebserver(self.process, table, log).create_asgi_app()

    def problem(self) -> str | None:
        """Why runs cannot be launched now; None if they can."""
        if problem := self.problem_of_definitions():
            return problem
        heartbeats = self.process.instance.get_daemon_heartbeats()
        newest = max((each.timestamp for each in heartbeats.values()), default=0.0)
        return "the daemon is silent" if time.time() - newest > DAEMON_SILENT_S else None

    def problem_of_definitions(self) -> str | None:
        """Why the definitions cannot be shown; None if they can, also while the code server is replaced."""
        for entry in self.process.get_current_workspace().code_location_entries.values():
            if entry.code_location is None:
                return "the code server has not loaded the definitions"
        return None


def is_serving(socket: str) -> bool:
    """True if a code server answers on this socket."""
    if not Path(socket).exists():
        return False
    try:
        DagsterGrpcClient(socket=socket).ping("")
    except DagsterUserCodeUnreachableError:
        return False
    return True


@contextmanager
def opened_workspace(target: GrpcServerTarget) -> Iterator[DagsterWorkspace]:
    """The workspace of a code server; the instance is that of DAGSTER_HOME."""
    with _loaded(target) as workspace:
        yield workspace


def on_socket(socket: str) -> GrpcServerTarget:
    """The code server that listens on a UNIX socket."""
    return GrpcServerTarget(host="localhost", port=None, socket=socket, location_name=LOCATION)


def on_network(address: str) -> GrpcServerTarget:
    """The code server at `host:port`."""
    host, _, port = address.rpartition(":")
    return GrpcServerTarget(host=host, port=int(port), socket=None, location_name=LOCATION)


@contextmanager
def _loaded(target: WorkspaceLoadTarget) -> Iterator[DagsterWorkspace]:
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
        with WorkspaceProcessContext(instance, target, version=dagster.__version__) as process:
            yield DagsterWorkspace(process)
