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
        document = _document(line)
        if document is not None and "trace_id" in document:
            handler.write_verbatim(line.rstrip("\n"))
            continue
        if document is not None and "event" in document:
            record = _record(str(document.get("logger", source)), str(document.get("level", "info")), document["event"])
        else:
            record = _record(source, "info", line.strip())
        if record.levelno >= handler.level and record.getMessage():
            handler.handle(record)


def _document(line: str) -> dict[str, Any] | None:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _record(name: str, level: str, message: object) -> logging.LogRecord:
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    return logging.LogRecord(name, number, "", 0, "%s", (message,), None)
