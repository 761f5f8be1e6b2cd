"""`sync-platform backfill`: syncs the past periods of one platform, one after the other. Run again, it resumes."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager, nullcontext

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, INTERRUPTED, OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import Terminal, console, report_problem, write_json, write_line
from sync_platform.cli.syncing.display import Display, TaskText
from sync_platform.cli.syncing.result import PlatformResult, details_of
from sync_platform.cli.syncing.unify import UnifyResult, unify_after
from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import counted
from sync_platform.errors import NoLakeYet, UsageError
from sync_platform.lake.syncs import CHANGE_COUNTS, SHOWN_COUNTS, complete_partitions, worst_status
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import Period, periods_between
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName

MAX_SHOWN = 10


def backfill_platform(name: str, first: str, last: str | None, *, again: bool, as_json: bool) -> int:
    """Sync every period of a span that is not complete yet; 0 if all are complete at the end, else 1.

    `again`: also the complete ones. Raises UsageError for a bad request, StorageError where the home cannot be written.
    """
    settings = load_settings()
    platform = choose(load_platforms(settings.platform_path), [name])[0]
    periods = periods_between(platform.cadence, first, last)
    if not periods:
        raise UsageError(f"--from {first} lies after {f'--to {last}' if last else 'the current period'}")
    known = set() if again else _complete(settings, platform)
    missing = [period for period in periods if period.key not in known]

    from sync_platform.cli.backup.create import back_up_after_sync
    from sync_platform.cli.runner.instance import cancel_killed_runs, prepare

    prepare(settings, [(platform, period) for period in periods])
    display = _PeriodDisplay(platform.name, len(missing), quiet=as_json)
    began = time.monotonic()
    try:
        subject = {"platform": platform.name, "periods": [period.key for period in missing]}
        with audited(settings, OperationName.backfill, subject) as operation, display.shown():
            results = [_sync(settings, platform, period, display) for period in missing]
            unified = unify_after(settings, results, display)
            status = worst_status((result.status for result in results), default="complete")
            operation.ended(status, **details_of(results))
    except KeyboardInterrupt:
        cancel_killed_runs(settings)
        report_problem(f"cancelled after {display.done} of {len(missing)} periods; the same command resumes there")
        return INTERRUPTED
    _report(platform, periods, results, unified, time.monotonic() - began, as_json=as_json)
    is_backed_up = back_up_after_sync(settings)
    return OK if status == "complete" and not (unified and unified.error) and is_backed_up else FAILED


def _complete(settings: Settings, platform: Platform) -> set[str]:
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake:
            return complete_partitions(lake, platform.name, {dataset.name for dataset in platform.datasets})
    except NoLakeYet:
        return set()


def _sync(settings: Settings, platform: Platform, period: Period, display: _PeriodDisplay) -> PlatformResult:
    from sync_platform.cli.syncing.workers import Job, run_all
    from sync_platform.defs.landing import Mode

    display.begins(period)
    return run_all(Job(settings, Mode.full), [(platform, period)], display)[0]


def _report(
    platform: Platform,
    periods: list[Period],
    results: list[PlatformResult],
    unified: UnifyResult | None,
    total_s: float,
    *,
    as_json: bool,
) -> None:
    before = len(periods) - len(results)
    if as_json:
        document = {
            "status": worst_status((result.status for result in results), default="complete"),
            "complete_before": before,
            "total_s": round(total_s, 2),
            "periods": [result.document() for result in results],
            "unified": unified.document() if unified else None,
        }
        write_json(document)
        return
    terminal = console()
    counts = {name: sum(result.total(name) for result in results) for name in SHOWN_COUNTS}
    terminal.print(
        f"{platform.name}: {len(results)} of {len(periods)} periods synced in {total_s:.1f} s, {before} were complete; "
        + ", ".join(f"{count:,} {name}" for name, count in counts.items())
    )
    if unified:
        terminal.print(f"unified: {unified.in_words}", soft_wrap=True)
    odd = [result for result in results if result.status != "complete"]
    for result in odd[:MAX_SHOWN]:
        terminal.print(f"{result.partition} {result.state}: {'; '.join(result.reasons[:2])}", soft_wrap=True)
    if len(odd) > MAX_SHOWN:
        terminal.print(f"… and {len(odd) - MAX_SHOWN} more that are not complete; sync.runs lists all")
    if odd:
        again = typed("backfill", platform.name, "--from", odd[0].partition, "--to", odd[-1].partition)
        steps = [step for result in odd for step in result.next_steps if " sync " not in step]
        write_next_steps([again, *dict.fromkeys(steps)])


class _PeriodDisplay(Display):
    """The progress over periods: a bar in a terminal, else a line for each period; nothing with --json."""

    def __init__(self, platform: str, steps: int, *, quiet: bool) -> None:
        self.done = 0
        self._name, self._steps, self._quiet, self._period = platform, steps, quiet, ""
        self._bar = None if quiet or not sys.stderr.isatty() else _bar()
        self._task = self._bar.add_task(platform, total=steps, text="") if self._bar else None

    def shown(self) -> AbstractContextManager[object]:
        return self._bar or nullcontext()

    def begins(self, period: Period) -> None:
        self._period = period.key
        self._show("fetching")

    def waiting(self, platform: str, text: str) -> None:
        self._show(text)
        if self._bar is None and not self._quiet:
            self._line(text)

    def landed(self, platform: str) -> None:
        self._show("into the lake")

    def finished(self, result: PlatformResult) -> None:
        self.done += 1
        changes = sum(result.total(count) for count in CHANGE_COUNTS)
        ended = f"{result.state}: {counted(result.total('records'), 'record')}, {counted(changes, 'change')}"
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self.done, text=f"{self._period} {ended}")
        elif not self._quiet:
            self._line(f"{ended} ({self.done} of {self._steps})")

    def unifying(self, text: str) -> None:
        self._period = "unified"
        self._show(text)

    def _show(self, text: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, text=f"{self._period} {text}")

    def _line(self, text: str) -> None:
        write_line(f"{self._name} {self._period} {text}")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TaskText(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Terminal(stderr=True),
    )
