"""Fixtures that run commands like an operator: each in its own process, each test in its own home."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync_platform.cli.app import run
from sync_platform.platforms import load_platforms
from sync_platform.sources.period import day_in_hong_kong
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.warm import StartedProcess, completed, started_module

ROOT = Path(__file__).parents[2]
TODAY = day_in_hong_kong(datetime.now(UTC)).isoformat()
"""The day of every sandbox: a sync asks for the discounts from today on, which an older sandbox would not have."""
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "LD_PRELOAD", "CLOCK_AHEAD_S")  # the last two: another day (clock/)


@dataclass
class Shell:
    """A home, and the environment of commands. The developer's own settings do not reach them."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> StartedProcess:
        """Start a command in its own process, which the test ends or waits for."""
        return started_module("sync_platform", arguments, self.home.parent, self.variables())

    def start_interpreter(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command in a new interpreter, like an operator; the test reads its output and ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "sync_platform", *arguments],
            cwd=self.home.parent,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end in its own process, in which everything is already imported."""
        done = completed("sync_platform", arguments, self.home.parent, self.variables())
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def run_in_process(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this process, which saves seconds if the command is refused."""
        output, errors = io.StringIO(), io.StringIO()
        environment = self.variables()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.chdir(self.home.parent)
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run(list(arguments))
        return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())

    def sync(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the document of `sync --json`; restaurants are unified only with `--unify`."""
        done = self.run("sync", "--json", *([] if "--unify" in arguments else ["--no-unify"]), *arguments)
        return done.returncode, json.loads(done.stdout or "{}") | ({} if done.stdout else {"error": done.stderr})

    def query(self, sql: str) -> list[dict[str, Any]]:
        done = self.run_in_process("query", sql, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def run_states(self) -> list[str]:
        """The status of every Dagster run, oldest first."""
        with closing(sqlite3.connect(self.home / "dagster" / "history" / "runs.db")) as database:
            return [status for (status,) in database.execute("SELECT status FROM runs ORDER BY id")]

    def unfinished_runs(self) -> list[str]:
        """Dagster runs that have not ended."""
        with closing(sqlite3.connect(self.home / "dagster" / "history" / "runs.db")) as database:
            rows = database.execute("SELECT run_id FROM runs WHERE status NOT IN ('SUCCESS', 'FAILURE', 'CANCELED')")
            return [run_id for (run_id,) in rows]

    def variables(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name in KEPT}
        return {
            **inherited,
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "120",
            "SYNC_HOME": str(self.home),
            "SANDBOX_PLACES": "60",
            "SANDBOX_TODAY": TODAY,
            "HTTP_ATTEMPTS": "3",
            **self.environment,
        }


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


@dataclass(frozen=True)
class FirstSync:
    """A home in which everything has been synced once and unified, and the report of that sync."""

    shell: Shell
    document: dict[str, Any]

    @property
    def run_ids(self) -> list[str]:
        return [platform["run_id"] for platform in self.document["platforms"]]


@pytest.fixture(scope="session")
def first_sync(tmp_path_factory: pytest.TempPathFactory) -> FirstSync:
    """One home for all tests that take it; it takes half a minute to make. Files run in their order. A test that
    changes the home comes last, or takes `shell` instead."""
    shell = Shell(tmp_path_factory.mktemp("synced") / "home")
    code, document = shell.sync("--unify")
    assert code == 0, document
    return FirstSync(shell, document)


@pytest.fixture(scope="session")
def synced(first_sync: FirstSync) -> Shell:
    """The home in which everything has been synced and unified."""
    return first_sync.shell


@dataclass
class Sandbox:
    """A sandbox for one test, with faults."""

    url: str
    process: subprocess.Popen[str]

    def addresses(self, *platforms: str) -> dict[str, str]:
        addresses = {f"{platform.upper()}_BASE_URL": f"{self.url}/{platform}" for platform in platforms}
        for platform in platforms:
            if load_platforms()[platform].has_archive:
                addresses[f"{platform.upper()}_ARCHIVE_URL"] = f"{self.url}/{platform}_archive"
        return addresses


@pytest.fixture
def sandbox() -> Iterator[Any]:
    """Starts sandboxes with faults: `sandbox("chope:500")`."""
    started: list[Sandbox] = []

    def start(*faults: str, places: int = 60, today: str = TODAY) -> Sandbox:
        command = [sys.executable, "-m", "sync_platform.sandbox", "--places", str(places), "--today", today]
        for fault in faults:
            command += ["--fault", fault]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        started.append(Sandbox(json.loads(process.stdout.readline())["url"], process))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()


def wait_until(is_so: Callable[[], object], process: StartedProcess) -> None:
    limit = time.monotonic() + LONGEST_WAIT_S
    while not is_so():
        assert process.is_running, process.wait()
        assert time.monotonic() < limit, "the expected state was not reached in time"
        time.sleep(0.05)
