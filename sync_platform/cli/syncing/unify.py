"""`sync-platform unify`, which is also the last step of `sync`: a Dagster run that makes restaurants from listings."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.cli.syncing.display import Display, choose_display
from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.listings import listing_sources
from sync_platform.unified.queries import identity_events_of, run_of, unified_before_changes
from sync_platform.unified.review_queue import QueueSize

MAX_EVENTS = 20


@dataclass(frozen=True)
class UnifyResult:
    """How a run ended: its row of `unified.runs`, its identity events (without new restaurants), seconds, its error."""

    run_id: str
    error: str | None
    total_s: float
    run: dict[str, Any]
    events: list[dict[str, Any]]

    @property
    def in_words(self) -> str:
        """The result in one line."""
        if self.error:
            return f"failed: {self.error}"
        run = self.run
        changes = [f"{run[name]:,} {change}" for name, change in _CHANGES.items() if run[name]]
        summary = ", ".join(changes) or "nothing changed"
        unmapped = f"; {run['unmapped']:,} words to map (unified.unmapped_words)" if run["unmapped"] else ""
        return (
            f"{run['restaurants']:,} restaurants of {run['listings']:,} listings: {summary}; "
            f"{self._review_in_words}{unmapped} ({run['mode']}, {self.total_s:.1f} s)"
        )

    @property
    def end_in_words(self) -> str:
        """How it ended, for the display of progress, which the whole result follows."""
        return f"{'failed' if self.error else 'complete'} ({self.total_s:.1f} s)"

    @property
    def _review_in_words(self) -> str:
        queue = QueueSize(self.run["review"], self.run["review_expected_same"])
        return (
            f"{queue.in_words}; the most useful first: {typed('match', 'review')}" if queue.waiting else queue.in_words
        )

    def document(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "error": self.error,
            "total_s": round(self.total_s, 2),
            **{name: value for name, value in self.run.items() if name not in ("run_id", "committed_at")},
            "identities": self.events,
        }


_CHANGES = {"inserted": "new", "updated": "changed", "removed": "merged or ended", "restored": "revived"}


def unify_now(*, rebuild: bool, new_model: bool, as_json: bool) -> int:
    """Update the unified restaurants; 0 if that succeeded, else 1. StorageError where there is no lake."""
    settings = load_settings()
    require_lake(settings)

    from sync_platform.cli.runner.instance import prepare  # the import of Dagster takes a second

    prepare(settings, [])
    display = choose_display(as_json)
    subject = {"rebuild": rebuild, "new_model": new_model}
    with audited(settings, OperationName.unify, subject) as operation, display.shown():
        result = run_unification(settings, display, rebuild=rebuild, new_model=new_model)
        operation.ended("failed" if result.error else "complete", run_ids=[result.run_id])
    write_result(result, as_json=as_json)
    return FAILED if result.error else OK


def run_unification(
    settings: Settings,
    display: Display,
    decisions: list[dict[str, str]] | None = None,
    *,
    rebuild: bool = False,
    new_model: bool = False,
) -> UnifyResult:
    """Run unification, and read its result; `decisions` as for `Runner.unify`."""
    from sync_platform.cli.runner.runs import Runner

    began = time.monotonic()
    outcome = Runner(settings, display).unify(decisions, rebuild=rebuild, new_model=new_model)
    run: dict[str, Any] = {}
    events: list[dict[str, Any]] = []
    if outcome.success:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            run, events = run_of(session, outcome.run_id), identity_events_of(session, outcome.run_id)
    result = UnifyResult(outcome.run_id, outcome.error, time.monotonic() - began, run, events)
    display.unified(result.end_in_words)
    return result


def unify_after(settings: Settings, results: list[PlatformResult], display: Display) -> UnifyResult | None:
    """Unify after a sync that changed listings, or after one whose changes were not unified, as where it was killed.

    None where no listing has changed since the last unification, and after a sync that stored nothing.
    """
    places = {(each.platform, each.dataset.name) for each in listing_sources(load_platforms(settings.platform_path))}
    is_changed = any(
        (record.platform, record.dataset) in places and record.changes
        for result in results
        for record in result.records
    )
    has_ended = any(result.records for result in results)
    is_due = is_changed or (has_ended and _is_behind(settings, places))
    return run_unification(settings, display) if is_due else None


def _is_behind(settings: Settings, places: set[tuple[str, str]]) -> bool:
    """True if the lake has changes of listings from after the last unification."""
    with (
        suppress(NoLakeYet),
        Lake(LakeAddress.of(settings), read_only=True) as lake,
        lake.session() as session,
    ):
        return unified_before_changes(session, places)
    return False


def write_result(result: UnifyResult, *, as_json: bool) -> None:
    """The result, as a JSON document or as lines of text."""
    if as_json:
        write_json(result.document())
        return
    terminal = console()
    terminal.print(f"unified: {result.in_words}", soft_wrap=True)
    for event in result.events[:MAX_EVENTS]:
        moved = f": {', '.join(event['listings'])}" if event["listings"] else ""
        terminal.print(
            f"  {event['restaurant_id']} {_VERBS[event['kind']]} {event['other_id'] or ''}{moved}", soft_wrap=True
        )
    if len(result.events) > MAX_EVENTS:
        terminal.print(f"  … and {len(result.events) - MAX_EVENTS:,} more: unified.identity_turns")


_VERBS = {
    "merged": "merged into",
    "split": "is new, split off",
    "revived": "is back, split off",
    "moved": "took listings of",
    "ended": "ended",
}
