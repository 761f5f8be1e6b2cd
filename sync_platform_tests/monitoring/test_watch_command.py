"""The command `watch`: its exit codes, its lines, and its end by a signal."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.cli.monitoring import watch as watch_command
from sync_platform.cli.monitoring.watch_output import WatchOutput
from sync_platform.cli.output import Terminal
from sync_platform.errors import StorageError, UsageError
from sync_platform.monitoring.alert_outbox import Delivery
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watch_lease import only_watcher
from sync_platform.monitoring.watch_round import WatchRound
from sync_platform.monitoring.watchdog.dagster_state import DagsterState
from sync_platform.settings import load_settings
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.monitoring.alerting import problem
from sync_platform_tests.monitoring.dagster_records import NOW, run

Once = Callable[[DagsterState | Exception], int]


@pytest.fixture
def once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Once:
    """The exit code of `watch --once` over a state of Dagster, or over an error that reading it raises."""
    monkeypatch.setenv("SYNC_HOME", str(tmp_path / "home"))

    def with_state(state: DagsterState | Exception, *, as_json: bool = False) -> int:
        def read(now: datetime) -> DagsterState:
            if isinstance(state, Exception):
                raise state
            return state

        monkeypatch.setattr(watch_command, "dagster_reader", lambda settings: read)
        return watch_command.watch(60, is_once=True, as_json=as_json)

    return with_state


def stuck() -> DagsterState:
    ago = datetime.now(UTC) - timedelta(days=1)
    return DagsterState(unfinished=[run(since=ago, last_event_at=ago)])


def test_the_exit_code_says_what_a_round_found(once: Once, capsys: pytest.CaptureFixture[str]) -> None:
    assert once(DagsterState()) == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    assert once(stuck()) == 1
    assert capsys.readouterr().out.startswith("critical  run-stuck:monthly_full_sync: silent  Run run of chope")
    assert once(StorageError("the database is locked")) == 2
    assert "the database is locked" in capsys.readouterr().out


def test_where_another_watcher_makes_the_rounds_one_round_makes_none(
    once: Once, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_watcher(load_settings(sync_home=tmp_path / "home").ledger_url):
        assert once(stuck()) == 0
    assert capsys.readouterr().out.startswith("another watcher makes the rounds: watch cannot start: watch (process ")


@pytest.mark.parametrize("every_s", [4, 3601])
def test_an_interval_that_is_no_good_is_refused(every_s: int) -> None:
    with pytest.raises(UsageError, match="between 5 and 3600"):
        watch_command.watch(every_s, is_once=False, as_json=False)


def done(*problems: Problem, is_decided: bool = True) -> WatchRound:
    faults = () if is_decided else ("the ledger is locked",)
    return WatchRound(NOW, problems, (), Delivery(()) if is_decided else None, faults)


def test_each_change_is_one_line_and_what_lasts_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    file = io.StringIO()
    output = WatchOutput(as_json=False, terminal=Terminal(file=file, width=80))
    first, second = problem(), problem(ProblemName.backup_failed, "")
    for each in (done(first), done(first, second), done(is_decided=False), done(first), done(first), done()):
        output.write_changes(each)
    lines = [line.split("HKT  ")[1] for line in file.getvalue().splitlines()]
    assert lines == [
        "begins  critical  sync-failed:answered 403  The source answered 403.",
        "begins  critical  backup-failed  The source answered 403.",
        "ends    backup-failed",
        "ends    sync-failed:answered 403",
    ]
    assert capsys.readouterr().err == "sync-platform: the ledger is locked\n"


def test_as_json_each_round_that_changes_something_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    output = WatchOutput(as_json=True)
    for each in (done(), done(problem()), done(problem()), done()):
        output.write_changes(each)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [[each["cause"] for each in document["problems"]] for document in documents] == [
        ["sync-failed:answered 403"],
        [],
    ]


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    environment = {**os.environ, "SYNC_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "sync_platform", "watch", "--every", "5"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("a round every 5 seconds over ")
    process.send_signal(number)
    rest, _ = process.communicate(timeout=LONGEST_WAIT_S)
    assert (process.returncode, rest.splitlines()[-1]) == (0, "the watch ends")
