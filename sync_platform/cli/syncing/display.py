"""The progress of a running sync on standard error: bars in a terminal, lines without one, or nothing."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import AbstractContextManager, nullcontext

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from sync_platform.cli.output import Terminal, coloured, line, styled, write_line
from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.documents.wording import counted
from sync_platform.lake.syncs import CHANGE_COUNTS
from sync_platform.sources.gaps import Gaps

LINE_EVERY_S = 5.0
UNIFIED = "unified"
"""The name under which unification is shown, like one more platform."""


class Display:
    """The progress of a sync as events; a subclass shows some of them. The first five are those of defs/progress.py."""

    def waiting(self, platform: str, text: str) -> None: ...

    def lock_taken(self, platform: str) -> None: ...

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None: ...

    def landed(self, platform: str) -> None: ...

    def unifying(self, text: str) -> None: ...

    def started(self, platform: str) -> None: ...

    def finished(self, result: PlatformResult) -> None: ...

    def unified(self, text: str) -> None: ...

    def shown(self) -> AbstractContextManager[object]:
        return nullcontext()


class NoDisplay(Display):
    """Shows nothing, for programs."""


def choose_display(as_json: bool) -> Display:
    if as_json:
        return NoDisplay()
    return BarDisplay() if sys.stderr.isatty() else LineDisplay()


class _Counter:
    """Pages and records of one platform, as they arrive."""

    def __init__(self) -> None:
        self.records = 0
        self.pages = 0
        self._expected: dict[str, int] = {}

    def add(self, dataset: str, records: int, gaps: Gaps) -> None:
        self.records += records
        self.pages += 1
        self._expected[dataset] = gaps.pages_expected

    @property
    def expected(self) -> int:
        return max(self.pages, sum(self._expected.values()))


class TaskText(ProgressColumn):
    """What a task does now, verbatim: its field `text`, a string or a styled text."""

    def render(self, task: Task) -> Text:
        return line(task.fields["text"])


class BarDisplay(Display):
    """One bar per platform, over the pages expected so far."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.fields[name]:<12}", markup=False),
            BarColumn(bar_width=28),
            TaskText(),
            TimeElapsedColumn(),
            console=Terminal(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._counts: dict[str, _Counter] = {}
        self._lock = threading.Lock()

    def shown(self) -> AbstractContextManager[object]:
        return self._progress

    def started(self, platform: str) -> None:
        with self._lock:
            self._counts[platform] = _Counter()
            self._tasks[platform] = self._progress.add_task("", total=None, name=platform, text="connecting")

    def waiting(self, platform: str, text: str) -> None:
        with self._lock:
            self._progress.update(self._tasks[platform], text=text)

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        with self._lock:
            count = self._counts[platform]
            count.add(dataset, records, gaps)
            text = line(f"{count.records:>9,} records  ", styled(dataset, "dim"))
            self._progress.update(self._tasks[platform], completed=count.pages, total=count.expected, text=text)

    def unifying(self, text: str) -> None:
        with self._lock:
            if UNIFIED not in self._tasks:
                self._tasks[UNIFIED] = self._progress.add_task("", total=None, name=UNIFIED, text="")
            self._progress.update(self._tasks[UNIFIED], text=text)

    def unified(self, text: str) -> None:
        with self._lock:
            if UNIFIED in self._tasks:
                self._progress.update(self._tasks[UNIFIED], completed=1, total=1, text=text)

    def landed(self, platform: str) -> None:
        with self._lock:
            text = line(f"{self._counts[platform].records:>9,} records  ", styled("into the lake", "dim"))
            self._progress.update(self._tasks[platform], text=text)

    def finished(self, result: PlatformResult) -> None:
        with self._lock:
            text = line(f"{result.total('records'):>9,} records  ", coloured(result.state))
            self._progress.update(self._tasks[result.platform], completed=1, total=1, text=text)


class LineDisplay(Display):
    """A line when a platform starts, every few seconds while it runs, and when it ends."""

    def __init__(self) -> None:
        self._counts: dict[str, _Counter] = {}
        self._shown_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def started(self, platform: str) -> None:
        with self._lock:
            self._counts[platform] = _Counter()
            self._shown_at[platform] = time.monotonic()

    def waiting(self, platform: str, text: str) -> None:
        with self._lock:
            self._line(platform, text)

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        with self._lock:
            count = self._counts[platform]
            count.add(dataset, records, gaps)
            if time.monotonic() - self._shown_at[platform] >= LINE_EVERY_S:
                self._shown_at[platform] = time.monotonic()
                self._line(
                    platform,
                    f"{counted(count.records, 'record')}, page {count.pages:,} of {count.expected:,} ({dataset})",
                )

    def unifying(self, text: str) -> None:
        with self._lock:
            if time.monotonic() - self._shown_at.get(UNIFIED, 0.0) >= LINE_EVERY_S:
                self._shown_at[UNIFIED] = time.monotonic()
                self._line(UNIFIED, text)

    def unified(self, text: str) -> None:
        with self._lock:
            self._line(UNIFIED, text)

    def finished(self, result: PlatformResult) -> None:
        with self._lock:
            changes = sum(result.total(count) for count in CHANGE_COUNTS)
            self._line(
                result.platform,
                f"{result.state}: {counted(result.total('records'), 'record')}, {counted(changes, 'change')} "
                f"(fetch {result.fetch_s:.1f} s, lake {result.lake_s:.1f} s)",
            )

    def _line(self, platform: str, text: str) -> None:
        write_line(f"{platform:<12} {text}")
