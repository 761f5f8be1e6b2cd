"""`sync-platform unify`, and what `sync` does last: listings become restaurants, as a Dagster run."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import orjson
from rich.console import Console

from sync_platform.cli.display import Display, choose_display
from sync_platform.cli.on_record import on_record
from sync_platform.cli.result import PlatformResult
from sync_platform.errors import StorageError
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.unified.listing import listing_sources
from sync_platform.unified.queries import identity_events_of, run_of

MOST_TURNS = 20


@dataclass(frozen=True)
class UnifyResult:
    """How a run ended: its row of `unified.runs`, what happened to identities beside foundings, seconds, its error."""

    run_id: str
    error: str | None
    total_s: float
    run: dict[str, Any]
    turns: list[dict[str, Any]]

    @property
    def in_words(self) -> str:
        """One line of what it did."""
        if self.error:
            return f"failed: {self.error}"
        run = self.run
        changes = [f"{run[name]:,} {word}" for name, word in _CHANGES.items() if run[name]]
        told = ", ".join(changes) or "nothing changed"
        return (
            f"{run['restaurants']:,} restaurants of {run['listings']:,} listings: {told}; {run['review']:,} pairs to "
            f"review ({run['mode']}, {self.total_s:.1f} s)"
        )

    def document(self) -> dict[str, Any]:
        return {
            "run_id": self.run_id,
            "error": self.error,
            "total_s": round(self.total_s, 2),
            **{name: value for name, value in self.run.items() if name not in ("run_id", "committed_at")},
            "identities": self.turns,
        }


_CHANGES = {"inserted": "new", "updated": "changed", "removed": "merged or ended", "restored": "revived"}


def unify_now(*, rebuild: bool, new_model: bool, as_json: bool) -> int:
    """Bring unified restaurants up to date; 0 if that succeeded, else 1. StorageError where there is no lake."""
    settings = load_settings()
    if not LakeAddress.of(settings).exists:
        raise StorageError("there is no lake yet: run `sync-platform sync` first")

    from sync_platform.cli.run import prepare  # Dagster takes a second to import

    prepare(settings, [])
    display = choose_display(as_json)
    subject = {"rebuild": rebuild, "new_model": new_model}
    with on_record(settings, "unify", subject) as act, display.shown():
        result = run_unification(settings, display, rebuild=rebuild, new_model=new_model)
        act.ended("failed" if result.error else "complete", run_ids=[result.run_id])
    report(result, as_json=as_json)
    return 1 if result.error else 0


def run_unification(
    settings: Settings,
    display: Display,
    words: list[dict[str, str]] | None = None,
    *,
    rebuild: bool = False,
    new_model: bool = False,
) -> UnifyResult:
    """One run, and what it put on record; `words` as `Runner.unify` takes them."""
    from sync_platform.cli.run import Runner

    began = time.monotonic()
    outcome = Runner(settings, display).unify(words, rebuild=rebuild, new_model=new_model)
    run: dict[str, Any] = {}
    turns: list[dict[str, Any]] = []
    if outcome.success:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            run, turns = run_of(session, outcome.run_id), identity_events_of(session, outcome.run_id)
    result = UnifyResult(outcome.run_id, outcome.error, time.monotonic() - began, run, turns)
    display.unified(result.in_words)
    return result


def unify_after(settings: Settings, results: list[PlatformResult], display: Display) -> UnifyResult | None:
    """What follows a sync that changed listings; None where it changed none."""
    places = {(each.platform, each.dataset.name) for each in listing_sources(load_platforms(settings.platform_path))}
    changed = [
        record
        for result in results
        for record in result.records
        if (record.platform, record.dataset) in places and record.changes
    ]
    return run_unification(settings, display) if changed else None


def report(result: UnifyResult, *, as_json: bool) -> None:
    """What it did, as a document for machines or in lines for people."""
    if as_json:
        sys.stdout.write(orjson.dumps(result.document(), option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(f"unified: {result.in_words}", soft_wrap=True, markup=False)
    for turn in result.turns[:MOST_TURNS]:
        moved = f": {', '.join(turn['listings'])}" if turn["listings"] else ""
        console.print(
            f"  {turn['restaurant_id']} {_TOLD[turn['kind']]} {turn['other_id'] or ''}{moved}", soft_wrap=True
        )
    if len(result.turns) > MOST_TURNS:
        console.print(f"  … and {len(result.turns) - MOST_TURNS:,} more: unified.identity_turns")


_TOLD = {
    "merged": "merged into",
    "split": "is new, split off",
    "revived": "is back, split off",
    "moved": "took listings of",
    "ended": "ended",
}
