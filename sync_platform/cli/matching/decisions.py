"""`sync-platform match decide|review|decisions`: decisions of people on which listings are the same place."""

from __future__ import annotations

import getpass
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import duckdb
import polars as pl

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import Terminal, console, line, styled, write_json
from sync_platform.cli.syncing.display import choose_display
from sync_platform.cli.syncing.unify import run_unification, write_result
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet, StorageError, UsageError
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.listings import LISTING_COLUMNS, create_listings_table, listing_sources
from sync_platform.unified.match_decisions import validated_decisions
from sync_platform.unified.queries import frame_of, has_model, has_unified, newest_model
from sync_platform.unified.review_queue import QueueSize, ReviewPair, pairs_to_review, queue_size

COLUMNS = ("one", "other", "verdict", "by", "when", "reason")
SHOWN = (
    "name_en", "name_zh", "address_en", "address_zh", "district", "phone", "cuisines", "latitude", "longitude",
    "status", "licence_number",
)  # fmt: skip
OF_EARLIER_VERSION = f"an earlier version of this program matched the listings: run `{typed('unify')}`"
NOTHING_UNIFIED = f"nothing is unified yet: run `{typed('sync')}`, or `{typed('unify')}`"


def decide(one: str, other: str, is_same: bool | None, reason: str, by: str, *, withdraw: bool, as_json: bool) -> int:
    """Store a decision and apply it; 0 if that succeeded, else 1. UsageError for a decision that cannot be stored."""
    if withdraw == (is_same is not None):
        raise UsageError("say one of --same, --different and --withdraw")
    verdict = "withdrawn" if withdraw else "same" if is_same else "different"
    decision = {"one": one, "other": other, "verdict": verdict, "reason": reason, "decided_by": by or getpass.getuser()}
    settings = load_settings()
    with _listings(settings) as (session, listings):  # an invalid decision is refused before Dagster starts
        validated_decisions(session, listings, **decision)

    from sync_platform.cli.runner.instance import prepare

    prepare(settings, [])
    display = choose_display(as_json)
    with audited(settings, OperationName.decision, decision) as operation, display.shown():
        result = run_unification(settings, display, [decision])
        operation.ended("failed" if result.error else "complete", run_ids=[result.run_id])
    write_result(result, as_json=as_json)
    return FAILED if result.error else OK


def show_review(limit: int, *, as_json: bool) -> int:
    """The review queue, with both listings of each pair; 0."""
    settings = load_settings()
    with _listings(settings) as (session, table):
        model = newest_model(session)
        if model is None and has_model(session):
            raise StorageError(OF_EARLIER_VERSION)
        queue = pairs_to_review(session, model.model, limit) if model else []  # one source alone is not compared
        size = queue_size(session)
        rows = _listings_of(session, table, queue).to_dicts()
    listings = {(row["source"], row["source_id"]): row for row in rows}
    if as_json:
        write_json([_document(pair, listings) for pair in queue])
        return OK
    for pair in queue:
        _show(console(), pair, listings)
    console().print(_summary(size, len(queue)), soft_wrap=True)
    return OK


def _summary(size: QueueSize, shown_count: int) -> str:
    """How long the queue is, and how many true pairs are probably left in it."""
    if not size.waiting:
        return size.in_words
    return f"{size.in_words}; these are the {shown_count:,} whose decision would change most"


def list_decisions(*, as_json: bool) -> int:
    """The decisions in force; 0."""
    with _unified(load_settings()) as lake, lake.session() as session:
        rows = frame_of(
            session,
            """SELECT one, other, is_same, reason, decided_by, decided_at FROM lake.unified.decisions
            WHERE removed_at IS NULL ORDER BY decided_at DESC, one, other""",
        ).to_dicts()
    if as_json:
        write_json(rows)
        return OK
    if not rows:
        console().print("there are no decisions yet")
        return OK
    table = FittedTable(COLUMNS, unbroken=("one", "other", "when"), optional=("when", "by"))
    for row in rows:
        verdict = "same" if row["is_same"] else "different"
        when = local_minute(row["decided_at"])
        table.add_row(row["one"], row["other"], verdict, row["decided_by"], when, row["reason"])
    console().print_table(table)
    return OK


@contextmanager
def _listings(settings: Settings) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A session of the lake, and its table of all listings."""
    sources = listing_sources(load_platforms(settings.platform_path))
    with _unified(settings) as lake, lake.session() as session, TemporaryTables(session) as scratch:
        yield session, create_listings_table(scratch, sources)


def _unified(settings: Settings) -> Lake:
    """The lake, read-only; StorageError where it has no unified restaurants."""
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


def _listings_of(session: duckdb.DuckDBPyConnection, table: str, queue: list[ReviewPair]) -> pl.DataFrame:
    keys = sorted({key for pair in queue for key in (pair.one, pair.other)})
    asked = pl.DataFrame(keys, schema={"source": pl.String, "source_id": pl.String}, orient="row")
    query = f"""SELECT source, source_id, {", ".join(LISTING_COLUMNS)}
        FROM {table} SEMI JOIN asked USING (source, source_id)"""
    return frame_of(session, query, asked=asked)


def _document(pair: ReviewPair, listings: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    sides = zip((pair.one, pair.other), pair.restaurants, strict=True)
    return {
        "probability": round(pair.probability, 4),
        "chance": round(pair.chance, 4),
        "listings_moved": pair.moved,
        "why": pair.why,
        "evidence": pair.evidence,
        "listings": [{"restaurant_id": restaurant, **listings.get(key, {})} for key, restaurant in sides],
    }


def _show(terminal: Terminal, pair: ReviewPair, listings: dict[Any, dict[str, Any]]) -> None:
    one, other = "/".join(pair.one), "/".join(pair.other)
    sides = zip((one, other), pair.restaurants, strict=True)
    names = (line(f"{name}\n", styled(restaurant, "dim")) for name, restaurant in sides)
    table = FittedTable(("", *names), title=f"{pair.probability:.0%} likely one place")
    left, right = listings.get(pair.one, {}), listings.get(pair.other, {})
    for name in SHOWN:
        if left.get(name) is not None or right.get(name) is not None:
            table.add_row(name, *(_text(side.get(name)) for side in (left, right)))
    terminal.print_table(table)
    terminal.print(f"{pair.why}; {pair.evidence['words']}", soft_wrap=True)
    command = shlex.join(("sync-platform", "match", "decide", "--same", one, other, "--reason"))
    terminal.print(f"{command} …", soft_wrap=True, style="dim")
    terminal.print()


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
