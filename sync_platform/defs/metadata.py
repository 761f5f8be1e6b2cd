"""The metadata of assets in the Dagster UI: schema, lineage of columns, counts and terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
import msgspec

from sync_platform.lake.commit_outcome import CommitOutcome
from sync_platform.lake.schema import table_columns
from sync_platform.landing.manifest import Manifest
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.object_store import ObjectStore

OWNERS = ["team:data-platform"]
MAX_SHOWN = 20
SEALED = {"sealed": ""}


def tags_of(platform: Platform, stage: str) -> dict[str, str]:
    """The tags by which assets are found in the UI."""
    return {"platform": platform.name, "stage": stage, "cadence": platform.cadence, "priority": platform.priority}


def terms_of(platform: Platform) -> dict[str, Any]:
    """The terms on which the data of the platform may be used."""
    return {
        "terms": platform.terms.summary,
        "terms_url": dg.MetadataValue.url(platform.terms.url),
        "agreement_needed": platform.terms.agreement_needed,
        "base_url_setting": f"{platform.name.upper()}_BASE_URL",
        "live_base_url": platform.live_base_url,
    }


def metadata_of_platform(platform: Platform) -> dict[str, Any]:
    """The metadata of a landing asset before any run."""
    personal = {
        dataset.name: list(dataset.personal.fields) for dataset in platform.datasets if dataset.personal is not None
    }
    return {
        **terms_of(platform),
        "pace": f"{platform.pace.requests_per_second:g} a second, {platform.pace.concurrency} at a time",
        "delta": "incremental syncs ask only for what changed" if platform.has_delta else "none: every sync is full",
        "sealed_fields": dg.MetadataValue.json(personal),
    }


def metadata_of_table(platform: Platform, dataset: Dataset, landing: dg.AssetKey) -> dict[str, Any]:
    """A table asset's name, schema, column lineage and terms."""
    return {
        **terms_of(platform),
        "dagster/table_name": f"{platform.name}.{dataset.name}",
        "dagster/column_schema": schema_of(table_columns(dataset)),
        "dagster/column_lineage": _lineage(dataset, landing),
        "key": " + ".join(dataset.key),
        "volatile_columns": ", ".join(sorted(dataset.volatile)) or "none",
    }


def metadata_of_landing(store: ObjectStore, manifests: list[Manifest]) -> dict[str, Any]:
    """What one sync landed."""
    first = manifests[0]
    return {
        "dagster/row_count": sum(manifest.records for manifest in manifests),
        "sync_id": first.sync_id,
        "mode": first.mode,
        "observed_at": dg.MetadataValue.timestamp(first.observed_at),
        "complete": all(manifest.complete for manifest in manifests),
        "datasets": dg.MetadataValue.table(
            records=[
                dg.TableRecord(
                    {
                        "dataset": manifest.dataset,
                        "records": manifest.records,
                        "claimed": manifest.claimed if manifest.claimed is not None else "not said",
                        "pages": len(manifest.pages),
                        "size_kB": round(manifest.body_bytes / 1000),
                        "gaps": "; ".join(manifest.reasons) or "none",
                        "manifest": f"{store.url}/{manifest.key}",
                    }
                )
                for manifest in manifests
            ]
        ),
    }


def metadata_of_commit(outcome: CommitOutcome) -> dict[str, Any]:
    """The result of one commit to a table."""
    record = outcome.record
    metadata: dict[str, Any] = {
        "dagster/row_count": outcome.live_rows,
        "dagster/partition_row_count": record.rows,
        "status": record.state,
        "inserted": record.inserted,
        "updated": record.updated,
        "removed": record.removed,
        "past": record.past,
        "restored": record.restored,
        "unchanged": record.unchanged,
        "quarantined": record.quarantined,
        "duplicates": record.duplicates,
        "out_of_scope": record.out_of_scope,
        "quality": {score.dimension: round(score.score, 4) for score in outcome.wholes if score.score is not None},
        "snapshot_id": outcome.snapshot_id,
        "sync_id": record.sync_id,
        "observed_at": dg.MetadataValue.timestamp(record.observed_at),
    }
    if record.reasons:
        metadata["degraded_because"] = dg.MetadataValue.md("\n".join(f"- {reason}" for reason in record.reasons))
    if record.gaps:
        metadata["gaps"] = dg.MetadataValue.md("\n".join(f"- {gap}" for gap in record.gaps))
    if record.already_known:
        metadata["inserted_but_already_known"] = record.already_known
    if record.not_retired:
        metadata["not_retired"] = record.not_retired
        metadata["not_retired_ids"] = ", ".join(outcome.not_retired[:MAX_SHOWN])
    if record.shrink_accepted:
        metadata["shrink_accepted"] = record.shrink_accepted
    if outcome.unknown_fields:
        metadata["fields_the_contract_does_not_know"] = ", ".join(outcome.unknown_fields)
    if outcome.quarantined:
        metadata["in_quarantine"] = dg.MetadataValue.md("\n".join(f"- {each}" for each in outcome.quarantined))
    return metadata


def schema_of(columns: Iterable[Column]) -> dg.TableSchema:
    """The schema of a table in the UI; sealed columns have a tag."""
    return dg.TableSchema(
        [
            dg.TableColumn(column.name, column.sql_type, column.description, tags=SEALED if column.sealed else {})
            for column in columns
        ]
    )


def _lineage(dataset: Dataset, landing: dg.AssetKey) -> dg.TableColumnLineage:
    """A column with the name of a field comes from that field; others come from the record as a whole."""
    wire = {field.encode_name for field in msgspec.structs.fields(dataset.wire)}

    def origins(column: str) -> list[str]:
        if column == "source_id":
            return [f"{dataset.name}.{name}" for name in dataset.key]
        return [f"{dataset.name}.{column}"] if column in wire else [dataset.name]

    deps: Mapping[str, list[dg.TableColumnDep]] = {
        column.name: [dg.TableColumnDep(landing, origin) for origin in origins(column.name)]
        for column in table_columns(dataset)
    }
    return dg.TableColumnLineage(deps)
