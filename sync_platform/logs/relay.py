"""The output of a program that this one starts, as log lines."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import orjson

from sync_platform.logs.line_handler import LineHandler


def relay(lines: Iterable[str], handler: LineHandler, source: str) -> None:
    """Write the output of another program as log lines; `source` is the logger of plain text.

    Log lines of this program stay as they are. Those of structlog (Dagster's servers) and plain text get our form.
    """
    for line in lines:
        found = _document(line)
        if found is not None and "trace_id" in found:
            handler.write_verbatim(line.rstrip("\n"))
            continue
        if found is not None and "event" in found:
            record = _record(str(found.get("logger", source)), str(found.get("level", "info")), found["event"])
        else:
            record = _record(source, "info", line.strip())
        if record.levelno >= handler.level and record.getMessage():
            handler.handle(record)


def _document(line: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _record(name: str, level: str, message: object) -> logging.LogRecord:
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    return logging.LogRecord(name, number, "", 0, "%s", (message,), None)
