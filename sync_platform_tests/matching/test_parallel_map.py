"""Parallel maps: the results are the same with and without other processes, whatever happens to these."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from operator import add, truediv
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


def fails_elsewhere(here: int) -> int:
    if os.getpid() != here:
        os._exit(1)
    return here


def test_results_are_in_the_order_of_the_arguments() -> None:
    assert results(add, ARGUMENTS) == list(range(1, 2_001))
    assert results(add, []) == []


def test_other_processes_take_part() -> None:
    with ParallelMap(process_of, ARGUMENTS) as parallel:
        for thread in parallel._threads:
            thread.join()
        assert os.getpid() not in parallel.results()


def test_few_values_need_no_other_process() -> None:
    assert set(results(process_of, ARGUMENTS[:10])) == {os.getpid()}


def test_one_core_needs_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert set(results(process_of, ARGUMENTS)) == {os.getpid()}


def test_results_of_a_process_that_ends_are_computed_here() -> None:
    assert set(results(fails_elsewhere, [(os.getpid(),)] * 2_000)) == {os.getpid()}


def test_an_error_is_raised_here_and_no_process_is_left() -> None:
    parallel = ParallelMap(truediv, [(1, 0)] * 2_000)
    with pytest.raises(ZeroDivisionError), parallel:
        parallel.results()
    assert all(process._process.poll() is not None for process in parallel._processes)
    assert not {*parallel._threads} & {*threading.enumerate()}
