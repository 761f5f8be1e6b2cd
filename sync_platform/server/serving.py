"""`sync-platform serve`: Dagster's processes, the app, and the listening socket, from start to stop.

What belongs here: the whole of it, and the web server alone. Dagster's processes alone belong in processes/.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import sqlalchemy as sa
import uvicorn

from sync_platform.errors import StorageError
from sync_platform.monitoring.installation_state import WaitingRun
from sync_platform.server.address import has_tls
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.workspace import (
    DagsterWorkspace,
    is_serving,
    on_network,
    on_socket,
    opened_workspace,
)
from sync_platform.server.processes.child_process import Relay
from sync_platform.server.processes.daemon_lock import only_daemon
from sync_platform.server.processes.dagster_processes import SERVER_FILES, DagsterProcesses
from sync_platform.server.readiness import Readiness
from sync_platform.server.renewed_certificate import server_of
from sync_platform.server.request_limits import LARGEST_HEADERS
from sync_platform.server.timed_connection import TimedHttp, TimedWebsocket
from sync_platform.settings import Settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.process_files import process_folder
from sync_platform.storage.relational import open_database

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
    with only_daemon(settings), closing(_listening(settings)) as listening, process_folder(SERVER_FILES) as folder:
        _prepare_process(settings, dagster_home)
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        processes = DagsterProcesses(folder, {}, "json" if relay else "colored", relay)
        try:
            processes.start(is_serving)
            opening = opened_workspace(on_socket(str(processes.socket)))
            return _run(settings, ledger, listening, opening, processes, waiting_runs, progress_of, on_ready)
        except KeyboardInterrupt:
            return True
        finally:
            if not processes.stop():
                on_runs_left()
            ledger.dispose()


def serve_web(
    settings: Settings,
    dagster_home: Path,
    waiting_runs: Callable[[], Sequence[WaitingRun]],
    progress_of: Callable[[list[str]], Mapping[str, str]],
    on_ready: Callable[[sa.Engine], None],
) -> None:
    """Serve the app alone until interrupted; the daemon and the code server at CODE_SERVER run elsewhere.

    The arguments and errors are those of `serve`. It is ready without the daemon, which another program watches.
    """
    with closing(_listening(settings)) as listening:
        _prepare_process(settings, dagster_home)
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        try:
            opening = opened_workspace(on_network(settings.code_server))
            _run(settings, ledger, listening, opening, None, waiting_runs, progress_of, on_ready)
        except KeyboardInterrupt:
            return
        finally:
            ledger.dispose()


def _prepare_process(settings: Settings, dagster_home: Path) -> None:
    os.environ.update({"DAGSTER_HOME": str(dagster_home), "SYNC_HOME": str(settings.home)})
    for each in (signal.SIGINT, signal.SIGTERM):  # ignored ones would be inherited: children could not be stopped
        signal.signal(each, signal.default_int_handler)


def _run(
    settings: Settings,
    ledger: sa.Engine,
    listening: socket.socket,
    opening: AbstractContextManager[DagsterWorkspace],
    processes: DagsterProcesses | None,
    waiting_runs: Callable[[], Sequence[WaitingRun]],
    progress_of: Callable[[list[str]], Mapping[str, str]],
    on_ready: Callable[[sa.Engine], None],
) -> bool:
    """Answer requests until interrupted. False if one of the server's own processes of Dagster was given up.

    `opening`: opens the workspace of a code server.
    """
    is_given_up: list[bool] = []
    with opening as workspace:
        readiness = Readiness(settings, processes, workspace, ledger)
        parts = ServerParts(
            settings, ledger, workspace.app, waiting_runs, progress_of, readiness.problems, readiness.warnings
        )
        server = server_of(settings, server_config(settings, application(parts)))

        def give_up() -> None:
            is_given_up.append(True)
            server.should_exit = True

        if processes:
            processes.watch(give_up)
        on_ready(ledger)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    return not is_given_up


def server_config(settings: Settings, app: object) -> uvicorn.Config:
    """How the server listens: its limits, TLS, and the proxies that it trusts."""
    proxies = [each.strip() for each in settings.serve_proxies.split(",") if each.strip()]
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=TimedHttp,  # h11, which limits the size of headers
        h11_max_incomplete_event_size=LARGEST_HEADERS,
        ws=TimedWebsocket,
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
