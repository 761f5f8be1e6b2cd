"""The origin of log lines: the run, the platform, and the trace id of the operation, which all its lines have.

A command has one trace id, also in the processes that it forks. A run that Dagster launched has its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class LogContext:
    """The origin of the lines that are logged now. `run_id`: Dagster's run. None where there is none."""

    trace_id: str
    run_id: str | None = None
    platform: str | None = None


_of_process = LogContext(trace_id=uuid.uuid4().hex)
_current: ContextVar[LogContext | None] = ContextVar("log_context", default=None)


def log_context() -> LogContext:
    """The origin of lines of this thread; where none was set, that of the process."""
    return _current.get() or _of_process


def begin_operation() -> None:
    """Give the process a new trace id: a program calls this once, when it begins."""
    global _of_process
    _of_process = LogContext(trace_id=uuid.uuid4().hex)


@contextmanager
def logging_as(
    *, trace_id: str | None = None, run_id: str | None = None, platform: str | None = None
) -> Iterator[None]:
    """Change parts of the origin until the block ends; None leaves a part as it is."""
    before = _current.get()
    parts = {"trace_id": trace_id, "run_id": run_id, "platform": platform}
    _current.set(replace(log_context(), **{name: value for name, value in parts.items() if value is not None}))
    try:
        yield
    finally:
        _current.set(before)
