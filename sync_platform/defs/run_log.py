"""Gives the log lines of Dagster's runs, schedules and sensors the form of the program's own lines.

Dagster writes what `context.log` and its own events say as coloured text. Where log lines are written, they take that
text's place. Private parts of Dagster that this module uses, checked in 1.13.27:

- `create_console_logger`, as two modules of Dagster imported it: makes the logger that writes to the console.
- `LogRecord.dagster_meta`: the run, its tags, the message without decoration, and the event of a record.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any

import dagster as dg
from dagster import _loggers as run_loggers
from dagster._core.definitions import instigation_logger as tick_loggers

from sync_platform.defs.run_errors import CHECK_FAILED, INTERRUPTIONS, error_text, root_error
from sync_platform.defs.trigger import ATTENDED_TAG, REQUEST_ID_TAG
from sync_platform.logs.configuration import OWN, begin_logging, line_handler
from sync_platform.logs.line_format import frame_in_words
from sync_platform.logs.line_handler import WRITTEN
from sync_platform.logs.log_context import logging_as
from sync_platform.logs.redaction import harmless_names

PLATFORM_TAG = "platform"
MAKER_OF_LOGGERS = "create_console_logger"
FRAME = re.compile(r'^ *File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
"""A frame as Python writes it; the source line follows."""
QUIET_LEVEL = "CRITICAL"


def begin_logging_in_dagster() -> None:
    """Log as the settings ask, in a process that Dagster started."""
    begin_logging()
    write_run_lines()


def write_run_lines() -> None:
    """Make Dagster's console loggers of this process write log lines, if the process writes any.

    The events of a run have what the program logs from INFO on, also where no line is written.
    """
    own = logging.getLogger(OWN)
    own.setLevel(own.level or logging.INFO)
    if line_handler() is not None:
        for module in (run_loggers, tick_loggers):
            setattr(module, MAKER_OF_LOGGERS, _run_logger)


def console_config() -> dict[str, Any]:
    """The run config of a run in a terminal: its console logger writes log lines, or else nothing."""
    handler = line_handler()
    level = logging.getLevelName(handler.level) if handler else QUIET_LEVEL
    return {"loggers": {"console": {"config": {"log_level": level}}}}


@contextmanager
def logging_run(run: dg.DagsterRun, platform: str | None = None) -> Iterator[None]:
    """Give log lines the run, its platform and its trace until the block ends.

    The trace of a run is the id of its emergency request, the trace of the command that waits for it, or its own id.
    """
    trace_id = _trace_of(run.tags, run.run_id)
    with logging_as(trace_id=trace_id, run_id=run.run_id, platform=platform or run.tags.get(PLATFORM_TAG)):
        yield


def _trace_of(tags: Mapping[str, str], run_id: str) -> str | None:
    """The trace id of a run; None for that of the command that waits for it."""
    own = None if ATTENDED_TAG in tags else run_id.replace("-", "")
    return tags.get(REQUEST_ID_TAG) or own


def _run_logger(name: str, level: str | int) -> logging.Logger:
    logger = logging.Logger(name, level)
    logger.addHandler(_RunLineHandler())
    return logger


class _RunLineHandler(logging.Handler):
    """Hands Dagster's records to the line handler, in the program's form. Each loses what may be a person's value."""

    def emit(self, record: logging.LogRecord) -> None:
        lines = line_handler()
        if lines is not None and record.levelno >= lines.level and not getattr(record, WRITTEN, False):
            lines.handle(_converted(record))


def _converted(record: logging.LogRecord) -> logging.LogRecord:
    """A copy of a record with the plain message, the run and its platform, and the error of its event."""
    line = copy(record)
    meta: dict[str, Any] = getattr(record, "dagster_meta", None) or {}
    event, tags, run_id = meta.get("dagster_event"), meta.get("job_tags") or {}, meta.get("run_id")
    line.msg, line.args = meta.get("orig_message") or record.getMessage(), ()
    line.run_id, line.platform = run_id, tags.get(PLATFORM_TAG)
    line.trace_id = _trace_of(tags, run_id) if run_id else None
    error = _error_of(event)
    if error is not None:
        _add_error(line, root_error(error))
    return line


def _error_of(event: dg.DagsterEvent | None) -> Any:
    """The error of an event, as Dagster serialised it; not that of a failed step, once more, when its run ends."""
    data: Any = event.event_specific_data if event else None
    return None if getattr(data, "first_step_failure_event", None) else getattr(data, "error", None)


def _add_error(line: logging.LogRecord, error: Any) -> None:
    """Add an error that Dagster serialised: its class, and its text where that is harmless; else its frames."""
    kind = error.cls_name or "error"
    if kind in harmless_names() | INTERRUPTIONS | {CHECK_FAILED, dg.Failure.__name__}:
        line.msg = f"{line.msg} {error_text(error)}"
        return
    line.levelno, line.levelname = logging.CRITICAL, "CRITICAL"
    line.msg = f"{line.msg} unexpected {kind}"
    line.stack = "\n".join([*(frame_in_words(*frame) for frame in FRAME.findall("".join(error.stack))), kind])
