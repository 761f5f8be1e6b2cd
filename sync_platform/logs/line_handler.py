"""Writing log lines to standard error, also those of other texts that are written there."""

from __future__ import annotations

import io
import logging
import threading
from contextlib import suppress
from typing import TextIO

WRITTEN = "is_written_as_line"
"""The attribute of a record that was written. Dagster hands records on to further loggers, with their attributes."""


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes each record once, however many loggers hand it on."""

    def emit(self, record: logging.LogRecord) -> None:
        if not getattr(record, WRITTEN, False):
            super().emit(record)
            setattr(record, WRITTEN, True)

    def write_verbatim(self, line: str) -> None:
        """Write a line that is a log line already, of another process."""
        with suppress(OSError, ValueError):
            self.stream.write(f"{line}\n")
            self.flush()

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be written, because standard error is closed, is lost; the program goes on."""


class LoggedStream(io.TextIOBase):
    """Standard error where log lines are JSON: each line of text that is written to it becomes a log line.

    `stream`: the standard error to which the log lines go.
    """

    def __init__(self, stream: TextIO, logger: logging.Logger) -> None:
        self.stream, self._logger = stream, logger
        self._rest, self._lock = "", threading.RLock()

    def write(self, text: str) -> int:
        with self._lock:
            *lines, self._rest = (self._rest + text).split("\n")
            for line in filter(str.strip, lines):
                self._logger.info("%s", line)
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"
