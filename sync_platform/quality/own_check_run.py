"""A run of one own check: the score of its measure, by the rows that are stored now.

What belongs here: running the file's SELECT in a read-only session. An error becomes a score that was not measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import duckdb

from sync_platform.quality.own_checks import OWN, OwnCheck
from sync_platform.quality.score import Score
from sync_platform.storage.lake_connection import LAKE

LONGEST_S = 60.0
"""Seconds that a check may take."""
AGAIN_S = 0.1
MAX_NAMED = 5


def run_own_check(session: duckdb.DuckDBPyConnection, check: OwnCheck, longest_s: float = LONGEST_S) -> Score:
    """The share of the dataset's live records that the check does not return; with an error in words if it fails."""
    if check.problem:
        return unmeasured(check, check.problem)
    try:
        with _interrupted_after(session, longest_s):
            return _measured(session, check)
    except duckdb.InterruptException:
        return unmeasured(check, f"it took longer than {longest_s:.0f} seconds")
    except duckdb.Error as error:
        return unmeasured(check, f"its SQL is wrong: {str(error).splitlines()[0]}")


@contextmanager
def _interrupted_after(session: duckdb.DuckDBPyConnection, longest_s: float) -> Iterator[None]:
    """Interrupt the session's statements that still run after so many seconds."""
    is_over = Event()

    def watch() -> None:
        wait_s = longest_s
        while not is_over.wait(wait_s):
            session.interrupt()  # it ends only a statement that runs at this moment, so it is repeated
            wait_s = AGAIN_S

    watcher = Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _measured(session: duckdb.DuckDBPyConnection, check: OwnCheck) -> Score:
    returned = session.sql(check.sql)
    if "source_id" not in returned.columns:
        return unmeasured(check, f"it returns {', '.join(returned.columns)}; it must return source_id")
    table = f'{LAKE}."{check.platform}"."{check.dataset}"'
    ids = "SELECT CAST(source_id AS VARCHAR) FROM returned"
    counted = f"count(*), count(*) FILTER (source_id IN ({ids}))"
    wrong_ids = f"list(source_id ORDER BY source_id) FILTER (source_id IN ({ids}))[:{MAX_NAMED}]"
    live, wrong, examples = returned.query(
        "returned", f"SELECT {counted}, {wrong_ids} FROM {table} WHERE removed_at IS NULL"
    ).fetchall()[0]
    detail = _detail(check, wrong_ids=examples)
    return Score(OWN, check.name, live - wrong, live, live, check.threshold, detail=detail)


def unmeasured(check: OwnCheck, problem: str) -> Score:
    """The score of a check that could not be run."""
    return Score(OWN, check.name, threshold=check.threshold, detail=_detail(check, error=f"{check.file}: {problem}"))


def _detail(check: OwnCheck, **figures: object) -> dict[str, object]:
    words = {"words": check.description} if check.description else {}
    return {**words, "severity": check.severity, **{name: value for name, value in figures.items() if value}}


def own_check_in_words(score: Score) -> str:
    """The result of an own check in one sentence."""
    if error := score.detail.get("error"):
        return f"it could not be run: {error}"
    if score.denominator is None or score.numerator is None:
        return "not measured"
    wrong = score.denominator - score.numerator
    rule = f" the rule “{words}”" if (words := score.detail.get("words")) else " the rule"
    ids = score.detail.get("wrong_ids") or []
    examples = f", e.g. {', '.join(ids)}" if ids else ""
    return f"{wrong:,} of {score.denominator:,} records break{rule}{examples}"
