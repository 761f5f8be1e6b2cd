"""A process that logs as JSON, for one test."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TextIO

import pytest
from dagster import _loggers as run_loggers
from dagster._core.definitions import instigation_logger as tick_loggers

from sync_platform.logs.configuration import configure_logging
from sync_platform.setting_groups.log_settings import LogSettings


@dataclass
class Written:
    """What was written to standard error, and the standard error of a process that logs as JSON."""

    stream: io.StringIO
    standard_error: TextIO

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line, each of which must be a JSON object."""
        return [json.loads(line) for line in self.text.splitlines()]

    def messages(self, level: str) -> list[str]:
        return [line["message"] for line in self.lines if line["level"] == level]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Written]:
    """This process logs as JSON at the level DEBUG, and it has secrets in its settings."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    for module in (run_loggers, tick_loggers):
        monkeypatch.setattr(module, "create_console_logger", getattr(module, "create_console_logger"))  # noqa: B009
    monkeypatch.setenv("KEETA_APP_SECRET", "hush/hush-4711")
    configure_logging(LogSettings(log_format="json", log_level="DEBUG", environment="staging"))
    yield Written(stream, sys.stderr)
    configure_logging(LogSettings(log_format="text", log_level=""))
    logging.captureWarnings(False)
