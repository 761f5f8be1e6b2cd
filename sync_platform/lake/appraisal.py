"""The appraisal of one commit: the scores of its records, and the drift of their shape."""

from __future__ import annotations

from dataclasses import asdict

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.incoming import Arrival
from sync_platform.lake.rows import TypedRows
from sync_platform.quality.drift import Drift
from sync_platform.quality.frequent_values import find_frequent_values
from sync_platform.quality.reference_shape import compare_with_reference, write_drift
from sync_platform.quality.score import Score, Standards
from sync_platform.quality.scoring import RecordsToScore, score_records, write_scores


def appraise(
    session: duckdb.DuckDBPyConnection,
    typed: TypedRows,
    arrival: Arrival,
    context: CommitContext,
    standards: Standards,
    *,
    follows: bool,
) -> tuple[list[Score], list[Drift]]:
    """Write the records' scores and the drift of their shape, within the caller's transaction.

    `follows`: the observation is newer than what is stored; an older one has no drift.
    """
    values = asdict(context)
    scores = score_records(session, _records_to_score(typed, arrival, context, follows), standards)
    write_scores(session, scores, values)
    if not follows:
        return scores, []
    drift = compare_with_reference(session, typed.dataset, typed.shape, values, typed.loose)
    if typed.landed.manifest.mode == "full":
        frequent = find_frequent_values(session, typed.dataset, arrival.incoming.rows)
        write_drift(session, frequent, values)
        drift = [*drift, *frequent]
    return scores, drift


def _records_to_score(typed: TypedRows, arrival: Arrival, context: CommitContext, follows: bool) -> RecordsToScore:
    manifest = typed.landed.manifest
    return RecordsToScore(
        platform=context.platform,
        dataset=typed.dataset,
        rows=arrival.incoming.rows,
        contract_counts=typed.contract_counts,
        contradicting=arrival.contradicting,
        seen=arrival.rows + arrival.only_quarantined + arrival.unidentified,
        claimed=manifest.claimed,
        is_full=manifest.mode == "full",
        follows=follows,
    )
