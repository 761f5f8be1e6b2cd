"""The parts of `serve` over one PostgreSQL, each of one of two versions of the program, as during an upgrade.

Both versions are copies of the program. In both, the schedule of the government's registers has a tick each minute,
while it is switched on. Both have the Dagster of the tests, unless EARLIER_PYTHON names the Python of an environment
with another one, for the version that is replaced.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import httpx

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import TokenStore
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.next_program import next_program
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.one_server.queued_run import launch
from sync_platform_tests.server.running_server import free_port
from sync_platform_tests.services import PostgresServer
from sync_platform_tests.tree import ROOT

Part = Literal["code-server", "web", "daemon"]
Version = Literal["this", "next"]
PYTHONS: dict[Version, str] = {"this": os.environ.get("EARLIER_PYTHON", sys.executable), "next": sys.executable}
PLATFORM = "data_gov_hk"
TIMES = ('REGISTER_SYNC = ["0 5 * * 1", "0 1 1 * *"]', 'REGISTER_SYNC = ["* * * * *"]')
SCHEDULE = {
    "repositoryLocationName": "sync_platform.definitions",
    "repositoryName": "__repository__",
    "scheduleName": "weekly_government_sync_schedule",
}
STATE_OF_SCHEDULE = """query State($schedule: ScheduleSelector!) { scheduleOrError(scheduleSelector: $schedule) {
  ... on Schedule { scheduleState { id ticks { status runIds error { message } } } } } }"""
SWITCH_ON = """mutation On($schedule: ScheduleSelector!) { startSchedule(scheduleSelector: $schedule) {
  ... on ScheduleStateResult { scheduleState { id } } } }"""
SWITCH_OFF = "mutation Off($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
RUNS = "{ runsOrError { ... on Runs { results { runId rootRunId status tags { key value } } } } }"
EVENTS = """query Events($run: ID!) { logsForRun(runId: $run) { ... on EventConnection { events {
  ... on MessageEvent { message } ... on ErrorEvent { error { message } } } } } }"""
WILL_RETRY = {"key": "dagster/will_retry", "value": "true"}
UNREACHABLE, NOT_LOADED = "Could not reach user code server", "PipelineNotFoundError"
NEWER = "newer version of this program"
LISTENING = "0A"
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass
class Asked:
    """What was asked of the parts in one state, beside a tick of the schedule: an emergency request, and a run."""

    request_id: str | None
    """None: the request was refused, because a newer version has migrated the ledger."""
    run_id: str


@dataclass
class TwoVersions:
    """The installation, the folders of the two programs, and the parts that run."""

    shell: Shell
    programs: dict[Version, Path]
    port: int
    running: dict[Part, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, part: Part, version: Version) -> None:
        """Start a part in this version, in place of the other one. A new code server listens before the other ends."""
        before = self.running.pop(part, None)
        if before and part != "code-server":
            self._stop(before)
        home = self.shell.home.parent / part
        with (home.parent / f"{part}.log").open("a") as log:
            self.running[part] = subprocess.Popen(
                [PYTHONS[version], "-m", "sync_platform", "serve", "--only", part],
                cwd=self.programs[version],
                env={**self._variables(version), "SYNC_HOME": str(home / version)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        if before and part == "code-server":
            port = int(self.shell.environment["CODE_SERVER"].rpartition(":")[2])
            self.wait_until(lambda: listeners(port) == 2)
            self._stop(before)

    def _stop(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST_WAIT_S) == 0, self.logs()

    def command(self, version: Version, *arguments: str) -> str:
        """The output of a command of a version, which must end well."""
        command = [PYTHONS[version], "-m", "sync_platform", *arguments]
        done = subprocess.run(
            command, cwd=self.programs[version], env=self._variables(version), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _variables(self, version: Version) -> dict[str, str]:
        return {**self.shell.variables(), "PYTHONPATH": str(self.programs[version])}

    @cached_property
    def client(self) -> httpx.Client:
        """A client with the token of an admin. It is made before the next version has migrated the ledger."""
        tokens = TokenStore(open_database(self.shell.environment["LEDGER"], MIGRATIONS))
        token = tokens.create("tester", Role.admin, (), timedelta(days=1), "test")[1]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60)

    def graphql(self, query: str, **variables: Any) -> Any:
        answer = self.client.post("/dagster/graphql", json={"query": query, "variables": variables})
        return answer.raise_for_status().json()["data"]

    def ticks(self) -> list[dict[str, Any]]:
        """The ticks of the schedule that have ended, the newest first."""
        return [tick for tick in self._schedule()["ticks"] if tick["status"] != "STARTED"]

    def _schedule(self) -> dict[str, Any]:
        """The state of the schedule, once the web server reaches the code server."""
        found: list[dict[str, Any]] = []

        def is_found() -> bool:
            state = self.graphql(STATE_OF_SCHEDULE, schedule=SCHEDULE)["scheduleOrError"].get("scheduleState")
            found.extend([state] if state else [])
            return bool(found)

        self.wait_until(is_found)
        return found[0]

    def switch_schedule(self, *, on: bool) -> None:
        if on:
            self.wait_until(lambda: self.graphql(SWITCH_ON, schedule=SCHEDULE)["startSchedule"].get("scheduleState"))
        else:
            self.graphql(SWITCH_OFF, id=self._schedule()["id"])

    def ask(self) -> Asked:
        """Make an emergency request, launch a run, and wait for a tick of the schedule."""
        before = len(self.ticks())
        self.switch_schedule(on=True)
        body = {"reason": "wrong addresses", "priority": "high", "sources": [PLATFORM]}
        answer = self.client.post("/api/production-sync/emergency", json=body)
        if not is_refused_by_earlier_version(answer):
            assert answer.status_code == 202, answer.text
        run_id = self._launched()
        self.wait_until(lambda: len(self.ticks()) > before)
        self.switch_schedule(on=False)
        return Asked(answer.json()["data"]["requestId"] if answer.is_success else None, run_id)

    def _launched(self) -> str:
        """The id of a run that is launched through GraphQL; the launch is repeated while no code server is reached."""
        answers: list[dict[str, Any]] = []

        def is_launched() -> bool:
            answers.append(launch(self.client)["data"]["launchRun"])
            is_away = UNREACHABLE in answers[-1].get("message", "") or answers[-1]["__typename"] == NOT_LOADED
            assert is_away or "run" in answers[-1], answers[-1]
            return not is_away

        self.wait_until(is_launched)
        return str(answers[-1]["run"]["runId"])

    def request(self, request_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/api/production-sync/emergency/{request_id}")
        return dict(answer.raise_for_status().json()["data"])

    def runs(self) -> list[dict[str, Any]]:
        return list(self.graphql(RUNS)["runsOrError"]["results"])

    def outcome(self, run_id: str) -> set[str]:
        """The states of a run and of the runs that repeat it."""
        return {run["status"] for run in self.runs() if run_id in (run["runId"], run["rootRunId"])}

    def log_of(self, run_id: str) -> str:
        """What a run, and each that repeats it, has logged."""
        of_run = [run["runId"] for run in self.runs() if run_id in (run["runId"], run["rootRunId"])]
        logs = [self.graphql(EVENTS, run=each)["logsForRun"]["events"] for each in of_run]
        return "\n".join(
            f"{each.get('message')} {(each.get('error') or {}).get('message', '')}" for log in logs for each in log
        )

    def has_ended(self, run_id: str) -> bool:
        """True if the run, and each that repeats it, has ended; one that Dagster will repeat has not."""
        of_run = [run for run in self.runs() if run_id in (run["runId"], run["rootRunId"])]
        is_repeated = len(of_run) <= sum(WILL_RETRY in run["tags"] for run in of_run)
        return not is_repeated and all(run["status"] in ENDED for run in of_run)

    def is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:  # it does not listen yet
            return False

    def wait_until(self, is_so: Callable[[], object]) -> None:
        limit = time.monotonic() + LONGEST_WAIT_S
        while not is_so():
            assert all(process.poll() is None for process in self.running.values()), self.logs()
            assert time.monotonic() < limit, self.logs()
            time.sleep(0.5)

    def logs(self) -> str:
        return "\n".join(
            f"--- {file.name}\n{file.read_text()[-3000:]}" for file in self.shell.home.parent.glob("*.log")
        )


def listeners(port: int) -> int:
    """How many processes listen on a port of this machine. gRPC lets several do so, and each gets connections."""
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    return sum(fields[1].endswith(f":{port:04X}") and fields[3] == LISTENING for fields in lines)


def is_refused_by_earlier_version(answer: httpx.Response) -> bool:
    """True if a server of an earlier version says so, and when to try again."""
    return answer.status_code == 503 and NEWER in answer.text and "Retry-After" in answer.headers


def two_versions(folder: Path, postgres: PostgresServer, *, has_new_format: bool) -> TwoVersions:
    """An installation of this version, which no part runs in yet. The next one has one more migration."""
    this = folder / "this"
    shutil.copytree(ROOT / "sync_platform", this / "sync_platform")
    programs: dict[Version, Path] = {
        "this": this,
        "next": next_program(folder / "next", has_new_format=has_new_format),
    }
    for program in programs.values():
        times = program / "sync_platform" / "defs" / "schedule_times.py"
        assert TIMES[0] in times.read_text()
        times.write_text(times.read_text().replace(*TIMES))
    dagster, port = folder / "dagster", free_port()
    dagster.mkdir()
    records = postgres.url(postgres.create_database()).replace("postgresql:", "postgresql+psycopg2:")
    (dagster / "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {records}\n{INSTANCE_YAML}")
    settings = {
        "LAKE_CATALOG": f"postgres:{postgres.conninfo(postgres.create_database())}",
        "LEDGER": postgres.url(postgres.create_database()),
        "VAULT": postgres.url(postgres.create_database()),
        "LAKE_DATA": str(folder / "lake"),
        "LANDING": (folder / "landing").as_uri(),
        "VAULT_KEY_FILE": str(folder / "master.key"),
        "DAGSTER_HOME": str(dagster),
        "CODE_SERVER": f"127.0.0.1:{free_port()}",
        "SERVE_PORT": str(port),
        "PLATFORMS_IN_USE": PLATFORM,
    }
    return TwoVersions(Shell(folder / "home", settings), programs, port)
