"""`sync-platform serve`: Dagster's processes, the app, and the listening socket, from start to stop."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
import uvicorn
from filelock import FileLock, Timeout

from sync_platform.errors import StorageError
from sync_platform.monitoring.installation_state import WaitingRun
from sync_platform.server.address import has_tls
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.workspace import DagsterWorkspace, is_serving, opened_workspace
from sync_platform.server.processes.child_process import Relay
from sync_platform.server.processes.dagster_processes import DagsterProcesses
from sync_platform.settings import Settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction

LARGEST_HEADERS = 32 * 1024
"""In bytes."""
LARGEST_MESSAGE = 256 * 1024
"""Of a websocket, in bytes."""
REQUESTS_END_WITHIN_S = 5


def serve(
    settings: Settings,
    dagster_home: Path,
    waiting_runs: Callable[[], Sequence[WaitingRun]],
    progress_of: Callable[[list[str]], Mapping[str, str]],
    on_ready: Callable[[sa.Engine], None],
    on_runs_left: Callable[[], None],
    relay: Relay | None = None,
) -> bool:
    """Serve until interrupted. False if a process of Dagster was given up.

    `dagster_home`: the folder with `dagster.yaml`. `waiting_runs` and `progress_of`: as the API's context has them.
    `on_ready` is called once everything runs, before the first request. `on_runs_left` is called at the end if runs are
    still under way, which go on without the server. `relay` gets the output of Dagster's processes. Raises StorageError
    where the port, the ledger or Dagster cannot be used, or another `serve` runs over this home.
    """
    with _only_one(settings), closing(_listening(settings)) as listening, _private_folder() as folder:
        os.environ.update({"DAGSTER_HOME": str(dagster_home), "SYNC_HOME": str(settings.home)})
        for each in (signal.SIGINT, signal.SIGTERM):  # ignored ones would be inherited: children could not be stopped
            signal.signal(each, signal.default_int_handler)
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        processes = DagsterProcesses(folder, {}, "json" if relay else "colored", relay)
        try:
            processes.start(is_serving)
            with opened_workspace(str(processes.socket)) as workspace:
                return _run(settings, ledger, processes, workspace, waiting_runs, progress_of, on_ready, listening)
        except KeyboardInterrupt:
            return True
        finally:
            if not processes.stop():
                on_runs_left()
            ledger.dispose()


def _run(
    settings: Settings,
    ledger: sa.Engine,
    processes: DagsterProcesses,
    workspace: DagsterWorkspace,
    waiting_runs: Callable[[], Sequence[WaitingRun]],
    progress_of: Callable[[list[str]], Mapping[str, str]],
    on_ready: Callable[[sa.Engine], None],
    listening: socket.socket,
) -> bool:
    def problems() -> list[str]:
        found = processes.problems()
        if not found and not is_serving(str(processes.socket)):
            found = ["the code server does not answer"]
        return [*(found or filter(None, [workspace.problem()])), *_problems_of(ledger)]

    app = application(ServerParts(settings, ledger, workspace.app, waiting_runs, progress_of, problems))
    server = uvicorn.Server(_config(settings, app))
    is_given_up: list[bool] = []

    def give_up() -> None:
        is_given_up.append(True)
        server.should_exit = True

    processes.watch(give_up)
    on_ready(ledger)
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    return not is_given_up


def _config(settings: Settings, app: object) -> uvicorn.Config:
    proxies = [each.strip() for each in settings.serve_proxies.split(",") if each.strip()]
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http="h11",  # it limits the size of headers
        h11_max_incomplete_event_size=LARGEST_HEADERS,
        ws="websockets-sansio",
        ws_max_size=LARGEST_MESSAGE,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies,
        server_header=False,
        access_log=False,  # addresses hold codes of login links
        log_config=None,
        timeout_graceful_shutdown=REQUESTS_END_WITHIN_S,
        ssl_certfile=settings.serve_tls_certificate if has_tls(settings) else None,
        ssl_keyfile=settings.serve_tls_key_file if has_tls(settings) else None,
    )


def _problems_of(ledger: sa.Engine) -> list[str]:
    try:
        with transaction(ledger) as connection:
            connection.execute(sa.text("SELECT 1"))
    except StorageError:
        return ["the ledger cannot be used"]
    return []


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Each server has a home of its own, for its files. Servers that share a ledger share one daemon."""
    lock = FileLock(settings.home / "serve.lock")
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        raise StorageError(f"`serve` runs already over {settings.home}: another one needs a home of its own") from None
    except OSError as error:
        raise StorageError(f"SYNC_HOME={str(settings.home)!r} cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


def _listening(settings: Settings) -> socket.socket:
    """The socket, bound before anything is started."""
    address, port = settings.serve_address, settings.serve_port
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        reason = error.strerror or error
        raise StorageError(f"{address} port {port} cannot be used ({reason}): set another SERVE_PORT") from error
    return listening


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that only this user can open. Its path is short, as the path of a socket must be."""
    with tempfile.TemporaryDirectory(prefix="sync-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)
