"""`sync-platform serve --only PART`: one part of the server, where each part runs on its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.operations.serve import relay_of_dagster
from sync_platform.cli.output import report_problem, write_line
from sync_platform.cli.runner.home import prepare_home
from sync_platform.server.address import public_url, require_safe_address
from sync_platform.server.processes.daemon_lock import only_daemon
from sync_platform.server.processes.separate_process import require_code_server, run_alone
from sync_platform.server.processes.server_part import ServerPart
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.platform_lock import holder_of


def serve_part(part: ServerPart, address: str | None, port: int | None) -> int:
    """Run one part until interrupted; 0, or 1 if it ended again and again. The options replace settings."""
    given = {"serve_address": address, "serve_port": port}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    if part is ServerPart.worker:
        _require_workers(settings)
    else:
        require_code_server(settings)
    if part is ServerPart.web:
        require_safe_address(settings)
    home = Path(os.environ.get("DAGSTER_HOME") or prepare_home(settings.home))
    from sync_platform.cli.runner.instance import create_records  # these imports of Dagster take a second

    create_records(settings)  # one process at a time, where all parts of a new installation start at once
    with audited(settings, OperationName.serve, {"only": part.value}) as under_way:
        is_well = PARTS[part](settings, home)
        under_way.ended("complete" if is_well else "failed")
    if not is_well:
        report_problem(f"the {part.value} ended again and again: its messages are above")
    return OK if is_well else FAILED


def _serve_web(settings: Settings, dagster_home: Path) -> bool:
    from sync_platform.cli.runner.daemon import progress_of, waiting_runs  # these imports take two seconds
    from sync_platform.server.serving import serve_web

    serve_web(
        settings,
        dagster_home,
        lambda: waiting_runs(settings),
        lambda run_ids: progress_of(settings, run_ids),
        lambda ledger: write_line(f"sync-platform: {public_url(settings)}  (code server: {settings.code_server})"),
    )
    return True


def _run_daemon(settings: Settings, dagster_home: Path) -> bool:
    with only_daemon(settings):
        is_well = run_alone(ServerPart.daemon, settings, dagster_home, relay_of_dagster())
    from sync_platform.cli.runner.daemon import forget_daemon  # these imports of Dagster take a second
    from sync_platform.server.dagster_ui.daemon_election import DAEMON

    if holder_of(settings.ledger_url, DAEMON) is None:
        forget_daemon(settings)  # it was stopped on purpose: the watch must not miss it
    return is_well


def _run_code_server(settings: Settings, dagster_home: Path) -> bool:
    return run_alone(ServerPart.code_server, settings, dagster_home, relay_of_dagster())


def _require_workers(settings: Settings) -> None:
    from sync_platform.cli.runner.worker_instance import require_workers  # its import of Dagster takes two seconds

    require_workers(settings)


def _run_worker(settings: Settings, dagster_home: Path) -> bool:
    return run_alone(ServerPart.worker, settings, dagster_home, relay_of_dagster())


PARTS: dict[ServerPart, Callable[[Settings, Path], bool]] = {
    ServerPart.web: _serve_web,
    ServerPart.daemon: _run_daemon,
    ServerPart.code_server: _run_code_server,
    ServerPart.worker: _run_worker,
}
