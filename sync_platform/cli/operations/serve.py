"""`sync-platform serve`: the server, and the login link of the person who starts it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import report_problem, write_line
from sync_platform.cli.runner.home import prepare_home
from sync_platform.documents.local_time import local_minute
from sync_platform.logs.configuration import DAGSTER, line_handler
from sync_platform.logs.line_handler import LoggedStream
from sync_platform.logs.relay import relay
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.user_store import UserStore
from sync_platform.server.address import login_link, public_url, require_safe_address
from sync_platform.server.processes.child_process import Relay
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.platform_lock import holder_of


def serve_all(address: str | None, port: int | None) -> int:
    """Serve until interrupted; 0, or 1 if a process of Dagster ended again and again. The options replace settings."""
    given = {"serve_address": address, "serve_port": port}
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    require_safe_address(settings)
    home = os.environ.get("DAGSTER_HOME") or prepare_home(settings.home)
    write_line("starting Dagster's code server and daemon ...")
    from sync_platform.cli.runner.daemon import (  # these imports take two seconds
        forget_daemon,
        progress_of,
        waiting_runs,
    )
    from sync_platform.cli.runner.instance import create_records
    from sync_platform.server.dagster_ui.daemon_election import DAEMON
    from sync_platform.server.serving import serve

    # Dagster's processes would create these tables at the same time, and another server's processes too
    create_records(settings)
    subject = {"address": settings.serve_address, "port": settings.serve_port}
    with audited(settings, OperationName.serve, subject) as under_way:
        is_well = serve(
            settings,
            Path(home),
            lambda: waiting_runs(settings),
            lambda run_ids: progress_of(settings, run_ids),
            _shown_when_ready(settings),
            lambda: report_problem("runs are still under way: they go on, and Dagster's code server ends after them"),
            relay_of_dagster(),
        )
        under_way.ended("complete" if is_well else "failed")
    if holder_of(settings.ledger_url, DAEMON) is None:
        forget_daemon(settings)  # a person stopped the daemon: the watch must not report that it is gone
    if not is_well:
        report_problem("a process of Dagster ended again and again: its messages are above")
    return OK if is_well else FAILED


def relay_of_dagster() -> Relay | None:
    """What writes the output of Dagster's processes as our log lines; None where it is shown as it is."""
    lines = line_handler() if isinstance(sys.stderr, LoggedStream) else None
    return (lambda output: relay(output, lines, DAGSTER)) if lines else None


def _shown_when_ready(settings: Settings) -> Callable[[sa.Engine], None]:
    """Shows the address, and a link that logs the person in who starts the server."""

    def show(ledger: sa.Engine) -> None:
        actor = command_line_actor(settings)
        UserStore(ledger).add_if_missing(actor.name, actor.roles)
        secret, expires_at = SessionStore(ledger, timedelta(hours=settings.session_hours)).new_link(actor.name)
        write_line(f"sync-platform: {public_url(settings)}  (state in {settings.home}; Ctrl-C ends it)")
        write_line(f"log in as {actor.name}, once, until {local_minute(expires_at)}: {login_link(settings, secret)}")

    return show
