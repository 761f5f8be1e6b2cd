"""A child is restarted with a growing delay, is given up in the end, and ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sync_platform.server.processes.child_process import MAIN, MOST_ENDS, ChildProcess
from sync_platform_tests.limits import LONGEST_WAIT_S


def wait_for(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + LONGEST_WAIT_S
    while not is_so():
        assert time.monotonic() < end, "the expected state was not reached in time"
        time.sleep(0.01)


@pytest.fixture
def module(tmp_path: Path) -> Callable[[str], ChildProcess]:
    """A child that runs the lines of a program."""

    def made(program: str) -> ChildProcess:
        (tmp_path / "tried.py").write_text(program)
        return ChildProcess("the child", ["tried"], {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])})

    return made


def test_a_child_that_ends_is_started_again_later_each_time_and_given_up_at_last(
    module: Callable[[str], ChildProcess],
) -> None:
    child, now, delays = module("raise SystemExit(3)"), 0.0, []
    child.start()
    while True:
        wait_for(lambda: not child.is_running)
        child.look_after(now)
        if child.is_given_up:
            break
        began = now
        while not child.is_running and child.pid is None:
            now += 0.5
            child.look_after(now)
        delays.append(now - began)
    assert delays == [1, 2, 4, 8]
    assert len(delays) == MOST_ENDS - 1
    child.look_after(now + 1000)
    assert not child.is_running


def test_ends_long_ago_do_not_count(module: Callable[[str], ChildProcess]) -> None:
    child = module("")
    for hour in range(2 * MOST_ENDS):
        child.look_after(hour * 3600)
        wait_for(lambda: not child.is_running)
        child.look_after(hour * 3600 + 1)
    assert not child.is_given_up


@pytest.mark.parametrize("action", [signal.SIG_DFL, signal.SIG_IGN], ids=["usual", "ignored by the parent"])
def test_a_child_that_is_stopped_stays_stopped(module: Callable[[str], ChildProcess], action: signal.Handlers) -> None:
    before = signal.signal(signal.SIGTERM, action)
    child = module("import time; time.sleep(600)")
    child.start()
    signal.signal(signal.SIGTERM, before)
    assert child.stop(LONGEST_WAIT_S)
    child.look_after(1e9)
    assert not child.is_running


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "tried.py").write_text("import time; time.sleep(600)")
    program = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-m', '{MAIN}', 'tried'], "
    program += "stdin=subprocess.PIPE, start_new_session=True); print(p.pid, flush=True); p.wait()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    wait_for(lambda: not is_alive(child))


def test_a_child_that_loses_the_request_to_stop_is_asked_again(tmp_path: Path) -> None:
    loses_the_first = "import signal, sys, time\nrequests = []\n"
    loses_the_first += "def stop(*_):\n    requests.append(1)\n    if len(requests) > 1: sys.exit(7)\n"
    loses_the_first += "signal.signal(signal.SIGTERM, stop)\nprint('ready', flush=True)\nwhile True: time.sleep(0.01)\n"
    (tmp_path / "tried.py").write_text(loses_the_first)
    program = f"import sys, {MAIN} as child; child.ASK_AGAIN_AFTER_S = 0.1; sys.argv = ['', 'tried']; child.main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == b"ready\n"
            process.stdin.close()  # as where the parent ends
            assert process.wait(LONGEST_WAIT_S) == 7
        finally:
            process.kill()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
