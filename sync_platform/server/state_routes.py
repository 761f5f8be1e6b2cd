"""The routes that machines ask: is the process alive, is everything ready, and the metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sync_platform.monitoring.alert_store import open_alerts
from sync_platform.monitoring.installation_state import WaitingRun, read_state
from sync_platform.monitoring.present_samples import present_samples
from sync_platform.monitoring.prometheus_text import prometheus_text
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings

METRICS_AGE_S = 15.0
"""Metrics are read again when they are older than this; Prometheus usually asks once a minute."""
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass
class StateRoutes:
    """Liveness, readiness and metrics.

    `problems`: what is not ready now, in words without details. `warnings`: what the server does without now.
    `waiting_runs`: Dagster's runs that wait.
    """

    settings: Settings
    problems: Callable[[], Sequence[str]]
    warnings: Callable[[], Sequence[str]]
    waiting_runs: Callable[[], Sequence[WaitingRun]]
    _metrics: tuple[float, str] = (float("-inf"), "")
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def routes(self) -> list[Route]:
        return [
            Route("/healthz", self.show_alive, methods=["GET"]),
            Route("/readyz", self.show_ready, methods=["GET"]),
            Route("/metrics", self.show_metrics, methods=["GET"]),
        ]

    async def show_alive(self, _: Request) -> Response:
        """200 while the process answers. A supervisor restarts the process if it does not."""
        return JSONResponse({"status": "alive"})

    async def show_ready(self, _: Request) -> Response:
        """200 if the ledger, SYNC_HOME and all processes are ready; 503 with what is not."""
        problems = list(await run_in_threadpool(self.problems))
        warnings = list(await run_in_threadpool(self.warnings))
        status = "not ready" if problems else "ready"
        return JSONResponse({"status": status, "problems": problems, "warnings": warnings}, 503 if problems else 200)

    async def show_metrics(self, _: Request) -> Response:
        """All metrics in Prometheus' text format."""
        return PlainTextResponse(await run_in_threadpool(self._metrics_now), media_type=PROMETHEUS)

    def _metrics_now(self) -> str:
        with self._reading:
            read_at, text = self._metrics
            if time.monotonic() - read_at > METRICS_AGE_S:
                settings, now = self.settings, datetime.now(UTC)
                state = read_state(settings, self.waiting_runs, lambda own: open_alerts(own.ledger_url), now)
                samples = present_samples(settings, load_platforms(settings.platform_path), state, now)
                text = prometheus_text(samples, settings.environment)
                self._metrics = (time.monotonic(), text)
            return text
