"""Parallel maps: the results are the same with and without other processes, whatever happens to these."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from operator import add, truediv
from pathlib import Path
from typing import Any

import pytest

from sync_platform.matching import parallel_map
from sync_platform.matching.parallel_map import ParallelMap

ARGUMENTS = [(number, 1) for number in range(2_000)]


@pytest.fixture(autouse=True)
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel_map, "FEW_VALUES", 10)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)


def results(function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    with ParallelMap(function, arguments) as parallel:
        return parallel.results()


def process_of(number: int, one: int) -> int:
    return os.getpid()


def waits_for_another_process(here: int, begun: str) -> int:
    if os.getpid() != here:
        Path(begun).touch()
    while not Path(begun).exists():
        time.sleep(0.01)
    return os.getpid()


def fails_elsewhere(here: int) -> int:
    if os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return here


def processes_of_loky() -> set[str]:
    """The processes of loky that this process has started and that run."""
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
    lines = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return {child for child, line in lines.items() if b"popen_loky" in line}


def test_results_are_in_the_order_of_the_arguments() -> None:
    assert results(add, ARGUMENTS) == list(range(1, 2_001))
    assert results(add, []) == []


def test_other_processes_take_part(tmp_path: Path) -> None:
    """This process computes the last value when another one has computed the first."""
    here = os.getpid()
    processes = results(waits_for_another_process, [(here, str(tmp_path / "begun"))] * 2_000)
    assert processes[-1] == here != processes[0]


def test_few_values_need_no_other_process() -> None:
    assert set(results(process_of, ARGUMENTS[:10])) == {os.getpid()}


def test_one_core_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert set(results(process_of, ARGUMENTS)) == {os.getpid()}


def test_results_of_a_process_that_ends_are_computed_here() -> None:
    assert set(results(fails_elsewhere, [(os.getpid(),)] * 2_000)) == {os.getpid()}


def test_an_error_is_raised_here_and_no_process_is_left() -> None:
    with pytest.raises(ZeroDivisionError):
        results(truediv, [(1, 0)] * 2_000)
    assert not processes_of_loky()


@pytest.mark.parametrize("at_start", [True, False])
def test_results_are_the_same_after_systemd_has_removed_the_semaphores(at_start: bool) -> None:
    """RemoveIPC=yes: the last unit of the user has stopped, and the run goes on. No other process can begin then."""
    parallel = ParallelMap(add, ARGUMENTS)
    if at_start:
        remove_semaphores()
    with parallel:
        if not at_start:
            remove_semaphores()
        assert parallel.results() == list(range(1, 2_001))


def remove_semaphores() -> None:
    found = list(Path("/dev/shm").glob(f"sem.loky-{os.getpid()}-*"))
    assert found
    for semaphore in found:
        semaphore.unlink(missing_ok=True)  # those of earlier maps go when the garbage collector finds them
