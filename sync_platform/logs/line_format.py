"""The form of log lines: a JSON object or a line of text, with the origin of the line and without secrets."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from sync_platform.documents.wording import visible
from sync_platform.logs.log_context import log_context
from sync_platform.logs.redaction import error_in_words

LONGEST_MESSAGE = 8_000  # characters; CloudWatch accepts 256 kB per line
MOST_FRAMES = 40
MOST_ERRORS = 8
OUTSIDE = re.compile(r"^.*?(?=sync_platform/|sync_platform_tests/)|^.*/(?:site-packages|python3\.\d+)/")
"""The part of the path of a source file that depends on the machine."""


class JsonFormatter(logging.Formatter):
    """One JSON object per record. Every object has the same fields; those without a value are null.

    `time` is UTC in ISO 8601. `stack` is there only where an error was logged: its frames, without its values.
    """

    def __init__(self, environment: str, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._environment, self._redact = environment, redact

    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps({name: self._clean(value) for name, value in self._fields(record).items()}).decode()

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        context = log_context()
        fields = {
            "time": time_of(record),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "run_id": getattr(record, "run_id", None) or context.run_id,
            "platform": getattr(record, "platform", None) or context.platform,
            "trace_id": getattr(record, "trace_id", None) or context.trace_id,
            "environment": self._environment,
        }
        stack = stack_of(record)
        return {**fields, "stack": stack} if stack else fields

    def _clean(self, value: str | None) -> str | None:
        # half surrogates, which some sources send, have no form in UTF-8
        return None if value is None else self._redact(value).encode("utf-8", "backslashreplace").decode()


class LineFormatter(logging.Formatter):
    """One line of text per record: time, level, origin, message; the frames of an error follow, indented."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        context = log_context()
        platform = getattr(record, "platform", None) or context.platform
        run_id = getattr(record, "run_id", None) or context.run_id
        origin = " ".join(filter(None, (platform, run_id and f"run {run_id[:8]}")))
        origin = f" [{origin}]" if origin else ""
        line = f"{time_of(record)} {record.levelname} {record.name}{origin} {visible(message_of(record))}"
        stack = stack_of(record)
        return self._redact("\n    ".join([line, *stack.split("\n")]) if stack else line)


def time_of(record: logging.LogRecord) -> str:
    """When a record was logged: UTC in ISO 8601, with milliseconds."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message_of(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]} …"


def stack_of(record: logging.LogRecord) -> str | None:
    """The frames of the error of a record, and of its causes: file, line and function of each, and no values."""
    error = record.exc_info[1] if record.exc_info else None
    stack: str | None = getattr(record, "stack", None)
    return "\n".join(_frames_of(error, set())) if error is not None else stack


def frame_in_words(file: str, line: int | str, function: str) -> str:
    """A frame of a stack, without its source, which may have values in it."""
    return f"{OUTSIDE.sub('', file)}:{line} in {function}"


def _frames_of(error: BaseException, seen: set[int]) -> Iterator[str]:
    """The causes of an error first, as Python shows them."""
    if id(error) in seen or len(seen) >= MOST_ERRORS:
        return
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None:
        yield from _frames_of(before, seen)
    for frame in traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]:
        yield frame_in_words(frame.filename, frame.lineno or 0, frame.name)
    yield error_in_words(error)
    if isinstance(error, BaseExceptionGroup):
        for exception in error.exceptions:
            yield from _frames_of(exception, seen)
