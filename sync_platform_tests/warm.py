"""Programs in new processes, which are forked from a process that has imported everything (preloaded.py).

This saves 3 s of imports in each process. A few tests start an interpreter instead, like an operator.
"""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PRELOADED = "sync_platform_tests.preloaded"
STREAMS = {"output": 1, "errors": 2}


def completed(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str], timeout_s: float = 600
) -> subprocess.CompletedProcess[str]:
    """The result of `python -m module` with the arguments, in the folder and with only that environment."""
    return started_module(module, arguments, folder, environment).wait(timeout_s)


def started_module(
    module: str, arguments: tuple[str, ...], folder: Path, environment: dict[str, str]
) -> StartedProcess:
    """The process of `python -m module` with the arguments, in the folder and with only that environment."""
    (process,) = started(1, _run_module, (module, arguments, folder), environment)
    return process


@dataclass
class StartedProcess:
    """A process, and the folder with its output."""

    process: BaseProcess
    folder: Path

    @property
    def is_running(self) -> bool:
        return self.process.is_alive()

    @property
    def output(self) -> str:
        """What it has written to standard output until now."""
        return (self.folder / "output").read_text()

    @property
    def errors(self) -> str:
        """What it has written to standard error until now."""
        return (self.folder / "errors").read_text()

    def send_signal(self, number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def wait(self, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
        """Wait for its end; its exit code and output."""
        self.process.join(timeout_s)
        if self.process.is_alive():
            self.process.kill()
            raise subprocess.TimeoutExpired(self.process.name, timeout_s)
        assert self.process.exitcode is not None
        output, errors = ((self.folder / name).read_text() for name in STREAMS)
        shutil.rmtree(self.folder)
        return subprocess.CompletedProcess(self.process.name, self.process.exitcode, output, errors)


def started(
    count: int, program: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str] | None = None
) -> list[StartedProcess]:
    """Start `count` processes that call `program`, a module's function, with the arguments and their number from 0.

    They have only that environment; by default this process's, as it is now.
    """
    environment = dict(os.environ) if environment is None else environment
    processes = []
    for number in range(count):
        folder = Path(tempfile.mkdtemp())
        for name in STREAMS:
            (folder / name).touch()
        process = forking().Process(target=_run_with_output_in, args=(folder, environment, program, *arguments, number))
        process.start()
        processes.append(StartedProcess(process, folder))
    return processes


@cache
def forking() -> ForkServerContext:
    context = get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with chdir(ROOT):  # the server imports from the folder in which it starts
        ensure_running()
    return context


def _run_with_output_in(
    folder: Path, environment: dict[str, str], program: Callable[..., None], *arguments: Any
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for name, number in STREAMS.items():
        with (folder / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    program(*arguments)


def _run_module(module: str, arguments: tuple[str, ...], folder: Path, number: int) -> None:
    os.chdir(folder)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
