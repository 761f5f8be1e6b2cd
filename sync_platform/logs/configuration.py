"""Where log lines go: once for each process, as the settings ask.

As JSON everything that a process writes to standard error is a log line. As text there are log lines only where
LOG_LEVEL asks for them, and standard error stays as it is for people.
"""

from __future__ import annotations

import logging
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from sync_platform.errors import SettingsError
from sync_platform.logs.line_format import JsonFormatter, LineFormatter
from sync_platform.logs.line_handler import LineHandler, LoggedStream
from sync_platform.logs.log_context import begin_operation
from sync_platform.logs.redaction import Redaction, error_in_words
from sync_platform.setting_groups.log_settings import LogSettings
from sync_platform.settings import load_log_settings, secret_values

OWN, DAGSTER = "sync_platform", "dagster"
STDERR = logging.getLogger(f"{OWN}.stderr")
"""The logger of texts that are written to standard error, such as the progress of a sync."""
CRASHES = logging.getLogger(f"{OWN}.crash")


def begin_logging() -> None:
    """Log as the settings ask, from now on. A wrong setting is reported by the command, when it reads all settings."""
    begin_operation()
    with suppress(SettingsError):
        configure_logging(load_log_settings())


def configure_logging(settings: LogSettings) -> None:
    """Log as these settings ask; a repeat replaces what was configured before.

    Loggers of libraries log only warnings and errors, whatever the level: more of them would have values of records.
    """
    logging.getLogger(OWN).setLevel(settings.log_level or logging.INFO)
    is_json = settings.log_format == "json"
    _remove_handlers()
    if not is_json and not settings.log_level:
        return
    stream = sys.stderr.stream if isinstance(sys.stderr, LoggedStream) else sys.stderr
    handler = _handler(stream, settings, is_json=is_json)
    for name in (OWN, None):
        logging.getLogger(name).addHandler(handler)
    if is_json:
        _write_only_lines(stream)


def line_handler() -> LineHandler | None:
    """The handler that writes this process's log lines; None where it writes none."""
    return next((handler for handler in logging.getLogger(OWN).handlers if isinstance(handler, LineHandler)), None)


def _handler(stream: TextIO, settings: LogSettings, *, is_json: bool) -> LineHandler:
    redact = Redaction(secret_values())
    handler = LineHandler(stream)
    handler.setLevel(settings.log_level or logging.INFO)
    handler.setFormatter(JsonFormatter(settings.environment, redact) if is_json else LineFormatter(redact))
    return handler


def _remove_handlers() -> None:
    for name in (OWN, None):
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if isinstance(each, LineHandler)]:
            logger.removeHandler(handler)


def _write_only_lines(stream: TextIO) -> None:
    """Make everything that is written to standard error a log line."""
    dagster = logging.getLogger(DAGSTER)
    for handler in list(dagster.handlers):  # those of Dagster's servers write text
        dagster.removeHandler(handler)
    logging.captureWarnings(True)
    sys.stderr = LoggedStream(stream, STDERR)
    sys.excepthook = log_crash
    threading.excepthook = _log_crash_of_thread


def log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an error that nothing handled, in place of Python's own message."""
    if not issubclass(kind, KeyboardInterrupt):
        CRASHES.critical("unexpected %s ended the program", error_in_words(error), exc_info=(kind, error, trace))


def _log_crash_of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
