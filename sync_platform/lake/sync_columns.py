"""The columns of the tables of syncs: what each sync did, the rows that stayed live, cursors and corrected times."""

from __future__ import annotations

from sync_platform.sources.columns import Column

RUNS = (
    Column("sync_id", "VARCHAR", "Id of the sync; sorts by time"),
    Column("run_id", "VARCHAR", "Dagster run"),
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset; empty where the platform failed before any dataset"),
    Column("partition", "VARCHAR", "Observation period"),
    Column("mode", "VARCHAR", "full | incremental"),
    Column(
        "status",
        "VARCHAR",
        "complete (called “with gaps” where `gaps` has any) | degraded | failed; a cancelled sync has no row",
    ),
    Column("reasons", "VARCHAR[]", "Why it is not complete, in words"),
    Column("gaps", "VARCHAR[]", "What is known to be missing within the gap tolerance, in words"),
    Column("observed_at", "TIMESTAMPTZ", "When the source was observed (UTC)"),
    Column("started_at", "TIMESTAMPTZ", "When the extraction began (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When this record was committed (UTC)"),
    Column("claimed", "BIGINT", "Records the source says it has"),
    Column("records", "BIGINT", "Records received, duplicates included"),
    Column("rows", "BIGINT", "Distinct records that became rows"),
    Column("inserted", "BIGINT", "Rows that came in at the time of the sync; `already_known` of them were not new"),
    Column("updated", "BIGINT", "Rows changed"),
    Column("removed", "BIGINT", "Rows retired"),
    Column("restored", "BIGINT", "Rows returned after they were gone"),
    Column("unchanged", "BIGINT", "Rows as they were"),
    Column("quarantined", "BIGINT", "Records that cannot be stored: quality.quarantine"),
    Column("not_ours", "BIGINT", "Records received that are no restaurant's, and are left aside"),
    Column("left_out", "BIGINT", "Records listed but not requested: the list shows that they are no restaurant's"),
    Column("duplicates", "BIGINT", "Records received more than once"),
    Column("not_retired", "BIGINT", "Rows unseen, yet kept live because the extract could not prove them gone"),
    Column("pages", "BIGINT", "Pages received"),
    Column("pages_expected", "BIGINT", "Pages the source was to give"),
    Column("manifest", "VARCHAR", "Landing manifest"),
    Column("capped_slices", "VARCHAR[]", "Slices that hold more than the source will list"),
    Column("omitted_ids", "VARCHAR[]", "Ids asked for that the source left out"),
    Column(
        "list_complete",
        "BOOLEAN",
        "Whether nothing is known to be missing; otherwise a full sync retires only rows of parts that were read whole",
    ),
    Column(
        "list_proven",
        "BOOLEAN",
        "Whether totals or a sure end prove that the list is whole; otherwise rows are retired when the next full sync "
        "does not show them either",
    ),
    Column("shrink_rejected", "BOOLEAN", "Whether the shrink guard kept it from retiring rows"),
    Column("shrink_accepted", "VARCHAR", "The operator's reason for retiring more than the tolerance; empty for none"),
    Column("request_id", "VARCHAR", "Emergency request that the sync answers; empty for none"),
    Column("requested_by", "VARCHAR", "Who made that request"),
    Column("request_reason", "VARCHAR", "Why, in their words"),
    Column("request_priority", "VARCHAR", "low | medium | high | critical"),
    Column("notes", "VARCHAR[]", "What was odd and cost nothing, in words; empty for nothing"),
    Column("generation", "DATE", "Day on which the source says that it made the list; empty where it does not say"),
    Column("is_outdated", "BOOLEAN", "Whether the list is older than the one stored, so that it changed nothing"),
    Column("past", "BIGINT", "Rows that are past now: they left the window of days that the source lists"),
    Column("already_known", "BIGINT", "Inserted rows of a late sync that were known from a later one, so not new"),
)
NOT_RETIRED = (
    Column("sync_id", "VARCHAR", "Sync that did not see the row: sync.runs"),
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column(
        "source_id", "VARCHAR", "The row that would have been retired, had the extract been complete and in tolerance"
    ),
    Column("observed_at", "TIMESTAMPTZ", "When it was not seen (UTC)"),
    Column(
        "awaits_confirmation",
        "BOOLEAN",
        "Whether it is retired when the next full sync does not show it either: the list was not proven to be whole",
    ),
)
CURSORS = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("watermark", "TIMESTAMPTZ", "Largest change time seen: where the next incremental sync reads on (UTC)"),
    Column("sync_id", "VARCHAR", "Sync that set it"),
)
CORRECTED_TIMES = (
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("recorded_at", "TIMESTAMPTZ", "Time in the history, written while the clock was ahead (UTC)"),
    Column("corrected_at", "TIMESTAMPTZ", "The time that counts instead (UTC): the latest that it can have been"),
    Column("sync_id", "VARCHAR", "Sync that corrected it: sync.runs"),
)
