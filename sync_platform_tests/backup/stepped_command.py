"""A program in its own process that is killed at one of its steps, or finds the disk full from that step on.

A step is a change of a file below one folder, a write to a file, or a statement that changes a lake or a database.
Python itself reports changes of files (audit hooks), so a step that the product gets tomorrow is a step here too. What
is written at the last step is half written.
"""

from __future__ import annotations

import errno
import io
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import sqlalchemy as sa

from sync_platform.cli.app import run
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.warm import started

Fault = Literal["killed", "full"]
CREATING = {"os.mkdir", "os.link"}
FILE_CHANGES = CREATING | {"os.rename", "os.remove", "os.rmdir", "os.truncate", "sqlite3.connect"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
READING = ("SELECT", "FROM", "SET", "PRAGMA", "USE", "SHOW", "BEGIN")
NEVER = 10**9


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit code (negative: the signal), the steps it took, and its output."""

    code: int
    steps: int
    output: str
    errors: str


def ended_at(
    shell: Shell, program: Callable[[Path, tuple[str, ...]], int], arguments: tuple[str, ...], step: int, fault: Fault
) -> Ended:
    """Run `program(home, arguments)` in a new process, with that fault at that step."""
    counted = shell.home.parent / "steps"
    counted.write_bytes(b"")
    (process,) = started(1, _run, (program, shell.home, arguments, counted, step, fault), shell.variables())
    done = process.wait()
    return Ended(done.returncode, counted.stat().st_size, done.stdout, done.stderr)


def command(home: Path, arguments: tuple[str, ...]) -> int:
    """A command of `sync-platform`."""
    return run(list(arguments))


def _run(
    program: Callable[[Path, tuple[str, ...]], int],
    home: Path,
    arguments: tuple[str, ...],
    counted: Path,
    step: int,
    fault: Fault,
    number: int,
) -> None:
    os.chdir(home.parent)
    steps = Steps(home.parent, os.open(counted, os.O_WRONLY | os.O_APPEND), step, fault)
    sys.addaudithook(steps.on_event)
    _step_writes(steps)
    _step_lakes(steps)
    _step_databases(steps)
    code = program(home, arguments)
    sys.stdout.flush()

    sys.exit(code)


class Steps:
    """Counts the steps of this process, one byte each in a file, and fails at the step `fatal`."""

    def __init__(self, folder: Path, counted: int, fatal: int, fault: Fault) -> None:
        self._folder, self._counted, self._fatal, self._fault = f"{folder}/", counted, fatal, fault
        self._numbers = itertools.count(1)

    def on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            if isinstance(arguments[2], int) and arguments[2] & WRITING:
                self._take_file(arguments[0], creates=True)
        elif event in FILE_CHANGES:
            self._take_file(arguments[0], creates=event in CREATING)

    def take(self, half: Callable[[], object] = lambda: None) -> bool:
        """Take a step; True if the disk is full by now. `half`: does half of the last step."""
        number = next(self._numbers)
        os.write(self._counted, b".")
        if number == self._fatal:
            half()
        if number == self._fatal and self._fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        return number >= self._fatal

    def _take_file(self, path: object, *, creates: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.fsdecode(path)
        if name.startswith(self._folder) and self.take() and creates:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)


class SteppedFile:
    """A file whose writes are steps."""

    def __init__(self, file: Any, steps: Steps) -> None:
        self._file, self._steps = file, steps

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(data[: len(data) // 2])
            self._file.flush()

        if self._steps.take(half):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(data))

    def writelines(self, lines: Iterable[Any]) -> None:
        for line in lines:
            self.write(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _step_writes(steps: Steps) -> None:
    """Every write to a binary file, which `Path.open` or `os.fdopen` opened, is a step."""
    opened = io.open

    def open_stepped(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        opened_file = opened(file, mode, *more, **named)
        return SteppedFile(opened_file, steps) if mode == "wb" else opened_file

    io.open = open_stepped  # type: ignore[assignment]


def _step_lakes(steps: Steps) -> None:
    """Every statement that changes a lake is a step."""
    opened = Lake.open_session

    class Session:
        def __init__(self, session: Any) -> None:
            self._session = session

        def execute(self, statement: str, *values: Any) -> Any:
            if not statement.lstrip().startswith(READING):
                steps.take()
            return self._session.execute(statement, *values)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._session, name)

    def open_session(self: Lake) -> Any:
        session = opened(self)
        session.execute("SET python_scan_all_frames = true")  # this frame must not hide a reader from DuckDB
        return Session(session)

    Lake.open_session = open_session  # type: ignore[method-assign]


def _step_databases(steps: Steps) -> None:
    """Every statement that changes the ledger or the vault is a step, and every commit of it."""

    @sa.event.listens_for(sa.Engine, "before_cursor_execute")
    def before_statement(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().startswith(READING):
            steps.take()

    @sa.event.listens_for(sa.Engine, "commit")
    def before_commit(_: Any) -> None:
        steps.take()
