"""Tampered rows: stored rows of landed records that are not what their history says, and their repair.

Such rows were changed or deleted by other means than a commit. `lineage verify` names them.
"""

from __future__ import annotations

from datetime import datetime

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.difference import Difference
from sync_platform.lake.replay import replay
from sync_platform.lake.schema import ENDS
from sync_platform.lake.table_writer import rewrite_rows
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.storage.temporary_tables import TemporaryTables


def repair_tampered_rows(
    scratch: TemporaryTables, history: str, table: TrackedTable, difference: Difference, committed_at: datetime
) -> None:
    """Rewrite by its history each row of an applied difference that had been tampered with before.

    Within the caller's transaction. `committed_at`: the time of the difference's changes.
    """
    session, key = scratch.session, table.key_list
    last = "(observed_at, committed_at)"
    tampered = scratch.create(
        "tampered",
        f"""WITH known AS (
            SELECT entity_id, min(observed_at) FILTER (operation NOT IN {ENDS}) AS first_seen_at,
                arg_max(content_hash, {last}) FILTER (operation NOT IN {ENDS}) AS content_hash,
                arg_max(operation, {last}) IN {ENDS} AS is_gone
            FROM {corrected_history(session, history)}
            WHERE platform = $platform AND dataset = $dataset AND committed_at < $committed_at
                AND entity_id IN (SELECT {table.entity()} FROM {difference.operations})
            GROUP BY ALL
        )
        SELECT k.entity_id AS {key} FROM known k LEFT JOIN {difference.old} o ON {table.entity("o")} = k.entity_id
        WHERE o.{key} IS NULL OR o.content_hash IS DISTINCT FROM k.content_hash
            OR o.first_seen_at IS DISTINCT FROM k.first_seen_at OR (o.removed_at IS NOT NULL) <> k.is_gone""",
        {"platform": table.schema, "dataset": table.name, "committed_at": committed_at},
    )
    if session.execute(f"FROM {tampered} LIMIT 1").fetchone():
        rewrite_rows(session, table, replay(scratch, history, table, only=tampered))
