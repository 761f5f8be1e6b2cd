"""`sync-platform match decide|review|decisions`: people's word on which listings are one place."""

from __future__ import annotations

import getpass
import sys
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sync_platform.cli.display import choose_display
from sync_platform.cli.on_record import on_record
from sync_platform.cli.unify import report, run_unification
from sync_platform.errors import NoLakeYet, StorageError, UsageError
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.unified.decisions import take_word
from sync_platform.unified.listing import READ, listing_sources, read_listings
from sync_platform.unified.queries import frame_of, has_unified, newest_model
from sync_platform.unified.review import Doubt, doubts

SHOWN = (
    "name_en", "name_zh", "address_en", "address_zh", "district", "phone", "cuisines", "latitude", "longitude",
    "status", "licence_number",
)  # fmt: skip
NOTHING_UNIFIED = "nothing is unified yet: run `sync-platform sync`, or `sync-platform unify`"


def decide(one: str, other: str, is_same: bool | None, reason: str, by: str, *, withdraw: bool, as_json: bool) -> int:
    """Take a person's word and follow it; 0 if that succeeded, else 1. UsageError for a word that cannot be taken."""
    if withdraw == (is_same is not None):
        raise UsageError("say one of --same, --different and --withdraw")
    verdict = "withdrawn" if withdraw else "same" if is_same else "different"
    word = {"one": one, "other": other, "verdict": verdict, "reason": reason, "decided_by": by or getpass.getuser()}
    settings = load_settings()
    with _unified(settings) as lake, lake.session() as session:  # what is wrong with it is said before Dagster starts
        read_listings(session, listing_sources(load_platforms(settings.platform_path)))
        take_word(session, **word)

    from sync_platform.cli.run import prepare

    prepare(settings, [])
    display = choose_display(as_json)
    with on_record(settings, "decision", word) as act, display.shown():
        result = run_unification(settings, display, [word])
        act.ended("failed" if result.error else "complete", run_ids=[result.run_id])
    report(result, as_json=as_json)
    return 1 if result.error else 0


def show_review(limit: int, *, as_json: bool) -> int:
    """The review queue, with both listings of each pair; 0."""
    settings = load_settings()
    with _unified(settings) as lake, lake.session() as session:
        read_listings(session, listing_sources(load_platforms(settings.platform_path)))
        model = newest_model(session)
        if model is None:
            raise StorageError(NOTHING_UNIFIED)
        queue = doubts(session, model.model, limit)
        listings = {(row["source"], row["source_id"]): row for row in frame_of(session, _listings_of(queue)).to_dicts()}
    if as_json:
        _write([_document(doubt, listings) for doubt in queue])
        return 0
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    for doubt in queue:
        _show(console, doubt, listings)
    if not queue:
        console.print("nothing is waiting for a person's look")
    return 0


def list_decisions(*, as_json: bool) -> int:
    """The decisions that hold; 0."""
    with _unified(load_settings()) as lake, lake.session() as session:
        rows = frame_of(
            session,
            """SELECT one, other, is_same, reason, decided_by, decided_at FROM lake.unified.decisions
            WHERE removed_at IS NULL ORDER BY decided_at DESC, one, other""",
        ).to_dicts()
    if as_json:
        _write(rows)
        return 0
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    if not rows:
        console.print("nobody has decided anything yet")
        return 0
    table = Table(header_style="bold")
    for name in ("one", "other", "verdict", "by", "when", "reason"):
        table.add_column(name, overflow="fold")
    for row in rows:
        verdict = "same" if row["is_same"] else "different"
        when = f"{row['decided_at']:%Y-%m-%d %H:%M} UTC"
        table.add_row(*map(escape, (row["one"], row["other"], verdict, row["decided_by"], when, row["reason"])))
    console.print(table)
    return 0


def _unified(settings: Settings) -> Lake:
    """The lake, to be read; StorageError where nothing is unified in it."""
    lake = Lake(LakeAddress.of(settings), read_only=True)
    try:
        with lake.session() as session:
            known = has_unified(session)
    except NoLakeYet:
        known = False
    if not known:
        lake.close()
        raise StorageError(NOTHING_UNIFIED)
    return lake


def _listings_of(queue: list[Doubt]) -> str:
    keys = sorted({key for doubt in queue for key in (doubt.one, doubt.other)})
    listed = ", ".join("('{}', '{}')".format(*(part.replace("'", "''") for part in key)) for key in keys)
    return f"""SELECT source, source_id, {", ".join(READ)} FROM temp.listings
        WHERE (source, source_id) IN ({listed or "('', '')"})"""


def _document(doubt: Doubt, listings: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    sides = zip((doubt.one, doubt.other), doubt.restaurants, strict=True)
    return {
        "probability": round(doubt.probability, 4),
        "evidence": doubt.evidence,
        "listings": [{"restaurant_id": restaurant, **listings.get(key, {})} for key, restaurant in sides],
    }


def _show(console: Console, doubt: Doubt, listings: dict[Any, dict[str, Any]]) -> None:
    one, other = "/".join(doubt.one), "/".join(doubt.other)
    table = Table(header_style="bold", title=f"{doubt.probability:.0%} likely one place", title_justify="left")
    table.add_column("")
    for name, restaurant in ((one, doubt.restaurants[0]), (other, doubt.restaurants[1])):
        table.add_column(f"{escape(name)}\n[dim]{restaurant}[/]", overflow="fold")
    left, right = listings.get(doubt.one, {}), listings.get(doubt.other, {})
    for name in SHOWN:
        if left.get(name) is not None or right.get(name) is not None:
            table.add_row(name, *(escape(_text(side.get(name))) for side in (left, right)))
    console.print(table)
    console.print(escape(doubt.evidence["words"]), soft_wrap=True)
    console.print(f"sync-platform match decide --same {one} {other} --reason …", soft_wrap=True, style="dim")
    console.print()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _write(document: Any) -> None:
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n")
