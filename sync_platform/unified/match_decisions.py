"""Decisions of people and platforms that listings are, or are not, one place. People's decisions are stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import duckdb
import polars as pl

from sync_platform.errors import UsageError
from sync_platform.matching.decided_pairs import Decision
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.identity import Key
from sync_platform.unified.tables import DECISIONS

Verdict = Literal["same", "different", "withdrawn"]
VERDICTS: tuple[Verdict, ...] = ("same", "different", "withdrawn")


@dataclass(frozen=True)
class PersonDecision:
    """A person's decision on two listings: the same place, different places, or an earlier decision withdrawn."""

    one: Key
    other: Key
    verdict: Verdict
    reason: str
    decided_by: str

    @property
    def names(self) -> tuple[str, str]:
        """The two listings as in the table of decisions, in its order."""
        first, second = sorted(("/".join(self.one), "/".join(self.other)))
        return first, second


def parse_listing(text: str) -> Key:
    """The listing in a text `platform/source_id`; UsageError for any other text."""
    platform, _, source_id = text.partition("/")
    if not platform or not source_id:
        raise UsageError(f"{text!r} names no listing: write PLATFORM/ID, such as openrice/123456, or a restaurant")
    return platform, source_id


def validated_decisions(
    session: duckdb.DuckDBPyConnection,
    listings: str,
    one: str,
    other: str,
    verdict: str,
    reason: str,
    decided_by: str,
) -> list[PersonDecision]:
    """The decisions in a person's request, checked against the lake; UsageError where it is not valid.

    `one` and `other` are listings (`platform/source_id`) or restaurants (`rest-...`). A restaurant means the listing
    that founded it. If two restaurants are decided to be the same, all listings of both are one place. `listings`: the
    table of all listings (unified/listings.py).
    """
    if verdict not in VERDICTS:
        raise UsageError(f"{verdict!r} is no verdict: it is one of {', '.join(VERDICTS)}")
    if not reason.strip():
        raise UsageError("say why: give --reason; it is stored with the decision")
    first, second = (_find(session, listings, name.strip()) for name in (one, other))
    if first == second:
        raise UsageError(f"{one} and {other} are the same listing: name two")
    others = [second]
    if verdict == "same" and one.startswith("rest-") and other.startswith("rest-"):
        others = [each for each in _members(session, one, other) if each != first]
    decisions = [
        PersonDecision(first, each, verdict, reason.strip(), decided_by.strip() or "unknown") for each in others
    ]
    if verdict == "withdrawn" and not _is_decided(session, decisions[0]):
        raise UsageError(f"nothing was decided on {' and '.join(decisions[0].names)}")
    return decisions


def _find(session: duckdb.DuckDBPyConnection, listings: str, name: str) -> Key:
    if name.startswith("rest-"):
        row = session.execute(
            f"SELECT founded_by, merged_into FROM {LAKE}.unified.restaurants WHERE restaurant_id = ?", [name]
        ).fetchone()
        if row is None:
            raise UsageError(f"there is no restaurant {name}")
        if row[1]:
            raise UsageError(f"{name} was merged into {row[1]}: name that, or a listing")
        name = row[0]
    key = parse_listing(name)
    if not session.execute(f"FROM {listings} WHERE source = ? AND source_id = ?", list(key)).fetchone():
        raise UsageError(f"the lake holds no listing {name}: PLATFORM/ID, as unified.members has them")
    return key


def _members(session: duckdb.DuckDBPyConnection, *restaurants: str) -> list[Key]:
    return session.execute(
        f"""SELECT platform, source_id FROM {LAKE}.unified.members
        WHERE list_contains(?, restaurant_id) AND removed_at IS NULL ORDER BY ALL""",
        [list(restaurants)],
    ).fetchall()


def _is_decided(session: duckdb.DuckDBPyConnection, decision: PersonDecision) -> bool:
    query = f"FROM {LAKE}.unified.decisions WHERE removed_at IS NULL AND one = ? AND other = ?"
    return session.execute(query, list(decision.names)).fetchone() is not None


def read_decisions(session: duckdb.DuckDBPyConnection, new: Iterable[PersonDecision] = ()) -> list[Decision]:
    """The valid decisions, new ones included, as matching takes them."""
    rows = session.execute(
        f"SELECT one, other, is_same FROM {LAKE}.unified.decisions WHERE removed_at IS NULL"
    ).fetchall()
    newest = {(one, other): is_same for one, other, is_same in rows}
    for decision in new:
        if decision.verdict == "withdrawn":
            newest.pop(decision.names, None)
        else:
            newest[decision.names] = decision.verdict == "same"
    return [
        Decision(parse_listing(one), parse_listing(other), is_same) for (one, other), is_same in sorted(newest.items())
    ]


def decision_rows(decisions: Iterable[PersonDecision], decided_at: datetime) -> pl.DataFrame:
    """Decisions as rows of their table; withdrawn ones have `ended`. If a pair has several, the last one is used."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for decision in decisions:
        is_ended = decision.verdict == "withdrawn"
        is_same = None if is_ended else decision.verdict == "same"
        rows[decision.names] = (*decision.names, is_same, decision.reason, decision.decided_by, decided_at, is_ended)
    kinds: list[Any] = [pl.String, pl.String, pl.Boolean, pl.String, pl.String, pl.Datetime("us", "UTC"), pl.Boolean]
    names = [*(column.name for column in DECISIONS.columns), "ended"]
    return pl.DataFrame(list(rows.values()), schema=dict(zip(names, kinds, strict=True)), orient="row")


def stated_moves(listings: pl.DataFrame) -> list[Decision]:
    """Decisions by platforms: a listing has moved, and another listing of the platform is its new record."""
    ids = set(listings.select("source", "source_id").iter_rows())
    moved = listings.filter(pl.col("moved_to").is_not_null()).select("source", "source_id", "moved_to")
    return [
        Decision((source, source_id), (source, to), same=True)
        for source, source_id, to in moved.iter_rows()
        if (source, to) in ids and to != source_id
    ]
