"""`sync-platform up`: the UI and the daemon of Dagster, on loopback, over the same home as `sync`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

from sync_platform.cli.runner.home import prepare_home
from sync_platform.errors import StorageError, UsageError
from sync_platform.logs.configuration import DAGSTER, line_handler
from sync_platform.logs.line_handler import LoggedStream
from sync_platform.logs.relay import relay
from sync_platform.settings import load_settings

HOST = "127.0.0.1"
STOPS_WITHIN_S = 30


def serve_dagster(port: int) -> int:
    """Run until interrupted; Dagster's exit code. StorageError where the port or the home cannot be used."""
    settings = load_settings()
    if not 1 <= port <= 65_535:
        raise UsageError(f"--port {port}: must be between 1 and 65535")
    home = os.environ.get("DAGSTER_HOME") or str(prepare_home(settings.home))
    _require_free(port)
    sys.stdout.write(f"Dagster UI: http://{HOST}:{port}  (state in {settings.home}; Ctrl-C ends it)\n")
    sys.stdout.flush()
    lines = line_handler() if isinstance(sys.stderr, LoggedStream) else None
    command = [sys.executable, "-m", "dagster", "dev", "-m", "sync_platform.definitions", "-h", HOST, "-p", str(port)]
    command += ["--log-format", "json"] if lines else []
    # a shell's background job and its children ignore SIGINT by default, so that Ctrl-C would not end them
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    process = subprocess.Popen(  # noqa: S603 - our own module and a number
        command,
        env={**os.environ, "DAGSTER_HOME": home, "SYNC_HOME": str(settings.home)},
        start_new_session=True,  # it gets a single signal, sent below: a second Ctrl-C would leave its children behind
        stdout=subprocess.PIPE if lines else None,
        stderr=subprocess.STDOUT if lines else None,
        text=True,
        errors="replace",
    )
    if lines and process.stdout:
        threading.Thread(target=relay, args=(process.stdout, lines, DAGSTER), daemon=True).start()
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=STOPS_WITHIN_S)
        from sync_platform.cli.runner.daemon import forget_daemon  # the import of Dagster takes a second

        forget_daemon(settings)  # it was stopped on purpose: the watch must not miss it
        return 0


def _require_free(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            reason = error.strerror or error
            raise StorageError(f"port {port} cannot be used ({reason}): choose another with --port") from error
