"""Unified restaurants as assets: members, restaurants and hours, made in one step, and the records related to them.

What belongs here: when they are made, and what the UI shows of them. Making restaurants belongs in unified/.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from sync_platform.defs.automation import RUN_TAGS
from sync_platform.defs.landing import failure
from sync_platform.defs.metadata import OWNERS, schema_of
from sync_platform.defs.platform_lock import UNIFIED, PlatformLocks
from sync_platform.defs.progress import Progress
from sync_platform.defs.resources import LakeResource
from sync_platform.defs.scorecard import AFTER_ANY_SYNC, MEMBERS_KEY
from sync_platform.defs.tables import table_key
from sync_platform.defs.unified_lineage import fields_lineage, hours_lineage, members_lineage, related_lineage
from sync_platform.errors import SyncError
from sync_platform.lake.reference_tables import REFERENCE
from sync_platform.lake.tracked_table import COMPUTED_KEPT, TrackedTable
from sync_platform.lake.transaction import guarded
from sync_platform.quality.score import Standards
from sync_platform.settings import load_settings
from sync_platform.sources.columns import Column
from sync_platform.sources.declaration import Platform
from sync_platform.unified.hours_checks import check_opening_hours
from sync_platform.unified.invariants import (
    DESCRIPTIONS,
    Finding,
    check_members,
    check_related_records,
    check_restaurants,
)
from sync_platform.unified.listings import listing_sources
from sync_platform.unified.match_decisions import validated_decisions
from sync_platform.unified.related_records import RECORD_KINDS, related_datasets
from sync_platform.unified.tables import MEMBERS, OPENING_HOURS, RESTAURANTS
from sync_platform.unified.unification import UnificationOutcome, unify
from sync_platform.vocabularies.declared_vocabularies import VOCABULARIES, shipped_editions
from sync_platform.vocabularies.vocabulary import Vocabulary

UNIFY, UNIFY_PLACES = "unify", "unify_places"
GROUP = "unified"
RESTAURANTS_KEY = dg.AssetKey([GROUP, RESTAURANTS.name])
OPENING_HOURS_KEY = dg.AssetKey([GROUP, OPENING_HOURS.name])
REFERENCE_KEYS = [dg.AssetKey([REFERENCE, vocabulary.name]) for vocabulary in VOCABULARIES]
TAGS = {"stage": GROUP}


class DecisionConfig(dg.Config):
    """A person's decision on two listings."""

    one: str = Field(description="A listing, as PLATFORM/ID, or a restaurant.")
    other: str = Field(description="Another listing or restaurant.")
    verdict: str = Field(description="same, different, or withdrawn, which cancels an earlier decision.")
    reason: str = Field(description="Why.")
    decided_by: str = Field(description="Who decided.")


class UnifyConfig(dg.Config):
    """The new decisions of a run, and which listings it matches again."""

    decisions: list[DecisionConfig] = Field(default=[], description="New decisions of people on listings.")
    rebuild: bool = Field(default=False, description="Match all listings again, not only the changed ones.")
    new_model: bool = Field(
        default=False, description="Estimate a new matching model first, and match all listings with it."
    )


def unified_assets(platforms: dict[str, Platform], progress: Progress) -> list[dg.AssetsDefinition]:
    """Members, restaurants and opening hours, and one asset for each kind of related record."""
    return [_places(platforms, progress), *(_related(platforms, kind) for kind in RECORD_KINDS)]


def unify_job() -> Any:
    """The job that updates all of them. The automation does the same after every sync."""
    return dg.define_asset_job(
        UNIFY,
        dg.AssetSelection.groups(GROUP, REFERENCE),
        description="Updates the unified restaurants from the tables of all platforms.",
        tags=RUN_TAGS,
        executor_def=dg.in_process_executor,
    )


def unified_keys() -> list[dg.AssetKey]:
    """The assets, in order of the data flow."""
    made_together = (MEMBERS_KEY, RESTAURANTS_KEY, OPENING_HOURS_KEY)
    return [*REFERENCE_KEYS, *made_together, *(dg.AssetKey([GROUP, kind]) for kind in RECORD_KINDS)]


def _places(platforms: dict[str, Platform], progress: Progress) -> dg.AssetsDefinition:
    sources = listing_sources(platforms)
    tables = [table_key(platforms[source.platform], source.dataset) for source in sources]
    specs = [
        *map(_vocabulary_spec, VOCABULARIES),
        _computed_spec(
            MEMBERS,
            [*tables, *REFERENCE_KEYS],
            "Only what changed is matched again; people's decisions come first.",
            members_lineage(sources, platforms),
        ),
        _computed_spec(
            RESTAURANTS,
            [*tables, *REFERENCE_KEYS, MEMBERS_KEY],
            "Every change of every restaurant is in the history.",
            fields_lineage(sources, platforms),
        ),
        _computed_spec(
            OPENING_HOURS,
            [RESTAURANTS_KEY],
            "Every change is in the history.",
            hours_lineage(RESTAURANTS_KEY),
        ),
    ]

    @dg.multi_asset(
        name=UNIFY_PLACES,
        specs=specs,
        check_specs=[spec for table in (MEMBERS, RESTAURANTS, OPENING_HOURS) for spec in _check_specs(table.name)],
        pool=GROUP,
    )
    def unify_places(
        context: dg.AssetExecutionContext,
        config: UnifyConfig,
        lake: LakeResource,
        platform_locks: dg.ResourceParam[PlatformLocks],
    ) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg] # Dagster accepts it only without an argument
        def report(stage: str) -> None:
            context.log.info(stage)
            progress.unifying(stage)

        try:
            with guarded(lake.open(), lambda: platform_locks.require(UNIFIED)):
                outcome = unify(
                    lake.open(),
                    lake.history,
                    platforms,
                    context.run_id,
                    Standards.of(load_settings()),
                    new_decisions=lambda session, listings: [
                        validated
                        for decision in config.decisions
                        for validated in validated_decisions(session, listings, **decision.model_dump())
                    ],
                    rebuild=config.rebuild,
                    new_model=config.new_model,
                    on_progress=report,
                )
        except SyncError as error:
            raise failure(context, error) from error
        with lake.open().session() as session:
            members = check_members(session, outcome.run, len(sources))
            restaurants = check_restaurants(session)
            rows, hours = check_opening_hours(session)
        for warning in outcome.warnings:
            context.log.warning(warning)
        for edition in shipped_editions():
            facts: dict[str, Any] = {"dagster/row_count": len(edition.rows), "version": edition.version}
            yield dg.MaterializeResult(asset_key=[REFERENCE, edition.name], metadata=facts)
        yield _result(MEMBERS_KEY, _run_metadata(outcome, outcome.run["listings"]), members)
        yield _result(RESTAURANTS_KEY, _run_metadata(outcome, outcome.run["restaurants"]), restaurants)
        yield _result(OPENING_HOURS_KEY, {"dagster/row_count": rows}, hours)

    return unify_places


def _computed_spec(
    table: TrackedTable, deps: list[dg.AssetKey], words: str, lineage: dict[str, list[dg.TableColumnDep]]
) -> dg.AssetSpec:
    """A table of unified restaurants; `words` follow its description."""
    return dg.AssetSpec(
        dg.AssetKey([GROUP, table.name]),
        deps=deps,
        description=f"{table.description}. {words}",
        metadata=_metadata(table.name, table.every_column, lineage),
        automation_condition=AFTER_ANY_SYNC,
        group_name=GROUP,
        owners=OWNERS,
        tags=TAGS,
        kinds={"duckdb", "parquet"},
    )


def _vocabulary_spec(vocabulary: Vocabulary) -> dg.AssetSpec:
    """A vocabulary: the run that makes restaurants loads its shipped edition first."""
    return dg.AssetSpec(
        dg.AssetKey([REFERENCE, vocabulary.name]),
        description=f"{vocabulary.description}. A vocabulary shipped with the program; its changes are in the history.",
        metadata=_table_metadata(REFERENCE, vocabulary.name, (*vocabulary.columns, *COMPUTED_KEPT)),
        automation_condition=AFTER_ANY_SYNC,
        group_name=REFERENCE,
        owners=OWNERS,
        tags={"stage": REFERENCE},
        kinds={"duckdb", "csv"},
    )


def _related(platforms: dict[str, Platform], kind: str) -> dg.AssetsDefinition:
    key = dg.AssetKey([GROUP, kind])
    related = related_datasets(platforms, kind)

    @dg.asset(
        key=key,
        deps=[MEMBERS_KEY, *(table_key(platforms[each.platform], each.dataset) for each in related)],
        description=f"{RECORD_KINDS[kind].description}, each with its restaurant. A view over the platforms' tables.",
        metadata=_metadata(kind, RECORD_KINDS[kind].every_column, related_lineage(platforms, kind)),
        check_specs=_check_specs(kind),
        automation_condition=AFTER_ANY_SYNC,
        group_name=GROUP,
        owners=OWNERS,
        tags=TAGS,
        kinds={"duckdb", "view"},
    )
    def check_view(lake: LakeResource) -> dg.MaterializeResult:  # type: ignore[type-arg] # Dagster accepts it only without an argument
        with lake.open().session() as session:
            count, findings = check_related_records(session, kind)
        return _result(key, {"dagster/row_count": count}, findings)

    return check_view


def _result(key: dg.AssetKey, metadata: Mapping[str, Any], findings: list[Finding]) -> dg.MaterializeResult[Any]:
    results = [
        dg.AssetCheckResult(
            passed=finding.passed,
            asset_key=key,
            check_name=finding.check,
            severity=dg.AssetCheckSeverity.WARN,
            description=finding.words,
            metadata=dict(finding.figures),
        )
        for finding in findings
    ]
    return dg.MaterializeResult(asset_key=key, metadata=metadata, check_results=results)


def _check_specs(table: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=dg.AssetKey([GROUP, table]), description=words)
        for name, (about, words) in DESCRIPTIONS.items()
        if about == table
    ]


def _run_metadata(outcome: UnificationOutcome, rows: Any) -> dict[str, Any]:
    run = {name: value for name, value in outcome.run.items() if name not in ("run_id", "committed_at")}
    happened = [event for event in outcome.events if event.kind != "founded"]
    lines = [f"- {event.restaurant_id} {event.kind} {event.other_id or ''}" for event in happened[:20]]
    return {
        "dagster/row_count": rows,
        "snapshot_id": outcome.snapshot,
        **run,
        **({"identities": dg.MetadataValue.md("\n".join(lines))} if lines else {}),
    }


def _metadata(table: str, columns: tuple[Column, ...], lineage: dict[str, list[dg.TableColumnDep]]) -> dict[str, Any]:
    return {**_table_metadata(GROUP, table, columns), "dagster/column_lineage": dg.TableColumnLineage(lineage)}


def _table_metadata(schema: str, table: str, columns: tuple[Column, ...]) -> dict[str, Any]:
    return {"dagster/table_name": f"{schema}.{table}", "dagster/column_schema": schema_of(columns)}
