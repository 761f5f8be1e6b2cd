"""`sync-platform sync`: one Dagster run per platform, several at a time, none of which can stop another."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sync_platform.cli.display import Display, choose_display
from sync_platform.cli.plan import plan
from sync_platform.cli.result import PlatformResult, worst
from sync_platform.errors import StorageError
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import Settings, load_settings, platform_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.extraction import Gaps
from sync_platform.sources.period import Period

AT_ONCE = 4
INTERRUPTED = 130


def sync_platforms(names: list[str], partition: str | None, mode: str, *, as_json: bool) -> int:
    """Sync the named platforms (all when none is); 0 if every one is complete, else 1. UsageError for a bad request."""
    began = time.monotonic()
    settings = load_settings()
    planned = plan(choose(load_platforms(settings.platform_path), names), partition)
    _require_terms(settings, [platform for platform, _ in planned])

    from sync_platform.cli.run import Runner  # Dagster takes a second to import: not before the request makes sense
    from sync_platform.cli.summary import write_document, write_summary
    from sync_platform.defs.landing import Mode

    display = choose_display(as_json)
    clock = _Clock(display)
    runner = Runner(settings, clock)
    startup_s = time.monotonic() - began

    def one(platform: Platform, period: Period) -> PlatformResult:
        clock.started(platform.name)
        outcome = runner.run(platform, period, Mode(mode))
        fetch_s, lake_s = clock.phases(platform.name)
        result = PlatformResult(platform.name, period.key, outcome.run_id, outcome.error, fetch_s, lake_s)
        result.records = _records(settings, outcome.run_id)
        display.finished(result)
        return result

    with display.shown():
        workers = ThreadPoolExecutor(min(AT_ONCE, len(planned)))
        futures = [workers.submit(one, platform, period) for platform, period in planned]
        try:
            results = [future.result() for future in futures]
        except KeyboardInterrupt:
            runner.cancel_all()
            sys.stderr.write("\nsync-platform: interrupted; nothing is half-written\n")
            sys.stderr.flush()
            os._exit(INTERRUPTED)  # runs in other threads end with the process, which every commit survives
        except BaseException:
            workers.shutdown(wait=True, cancel_futures=True)
            raise
    workers.shutdown()
    runner.close()
    total_s = time.monotonic() - began
    if as_json:
        write_document(results, startup_s, total_s)
    else:
        write_summary(results, startup_s, total_s, settings.home)
    return 0 if worst(result.status for result in results) == "complete" else 1


class _Clock:
    """Passes progress on to the display, and notes when each platform's phases began."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._began: dict[str, float] = {}
        self._landed: dict[str, float] = {}

    def started(self, platform: str) -> None:
        self._began[platform] = time.monotonic()
        self._display.started(platform)

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        self._display.page(platform, dataset, records, gaps)

    def landed(self, platform: str) -> None:
        self._landed[platform] = time.monotonic()
        self._display.landed(platform)

    def phases(self, platform: str) -> tuple[float, float]:
        """Seconds of fetching, and of taking into the lake, up to now."""
        now = time.monotonic()
        landed = self._landed.get(platform, now)
        return landed - self._began[platform], now - landed


def _records(settings: Settings, run_id: str):  # type: ignore[no-untyped-def]
    from sync_platform.lake.syncs import syncs_of_runs
    from sync_platform.storage.lake_connection import Lake, LakeAddress

    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake:
            return syncs_of_runs(lake, [run_id])
    except StorageError:
        return []


def _require_terms(settings: Settings, platforms: list[Platform]) -> None:
    """Refuse a live platform whose terms are not accepted before anything is fetched from any."""
    from sync_platform.landing.extract import resolve_source

    for platform in platforms:
        resolve_source(
            platform,
            platform_settings(platform.name),
            "http://127.0.0.1",
            settings.http_timeout_s,
            settings.http_attempts,
        )
