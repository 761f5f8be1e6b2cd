"""The scorecard asset: the newest scores of every dataset as one typed frame, updated when a table was synced.

What belongs here: the type of the frame and its summary in the UI. The scores were committed with the data.
"""

import dagster as dg
import pandas as pd
from dagster_pandas import PandasColumn, create_dagster_pandas_dataframe_type

from sync_platform.defs.metadata import OWNERS
from sync_platform.defs.resources import LakeResource
from sync_platform.defs.tables import table_key
from sync_platform.quality.score import DIMENSIONS, OVERALL
from sync_platform.quality.scorecard import DatasetCard, cards_of
from sync_platform.sources.declaration import Platform

SCORECARD = dg.AssetKey(["quality", "scorecard"])
MEMBERS_KEY = dg.AssetKey(["unified", "members"])
"""The scorecard depends on members, because unification compares listings and thereby changes scores."""
AFTER_ANY_SYNC = (
    dg.AutomationCondition.any_deps_updated().since_last_handled()
    & ~dg.AutomationCondition.any_deps_in_progress()
    & ~dg.AutomationCondition.in_progress()
).with_label("after any sync")
"""Dagster's condition `eager` would wait for every period of every table, and most periods were never synced."""
SHARES = (*DIMENSIONS, OVERALL, "confidence")


def _summary(frame: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """What the UI shows of the frame: the lowest scores, and the number of findings."""
    worst = frame.sort_values(OVERALL).head(5)
    return {
        "datasets": dg.MetadataValue.int(len(frame)),
        "mean_overall": dg.MetadataValue.float(float(frame[OVERALL].mean())),
        "lowest": dg.MetadataValue.md(worst[["dataset", *SHARES]].to_markdown(index=False, floatfmt=".3f")),
        "with_findings": dg.MetadataValue.int(int((frame["findings"] > 0).sum())),
    }


ScorecardFrame = create_dagster_pandas_dataframe_type(
    name="ScorecardFrame",
    description="One row per dataset: its newest period, and its scores as shares from 0 to 1, empty if not measured.",
    columns=[
        PandasColumn.string_column("dataset", non_nullable=True, unique=True),
        PandasColumn.string_column("partition", non_nullable=True),
        *(PandasColumn.float_column(name, min_value=0.0, max_value=1.0, ignore_missing_vals=True) for name in SHARES),
        PandasColumn.integer_column("findings", min_value=0),
    ],
    metadata_fn=_summary,
)


def scorecard_asset(platforms: dict[str, Platform]) -> dg.AssetsDefinition:
    """The asset, which depends on every table."""

    @dg.asset(
        key=SCORECARD,
        deps=[
            *(table_key(platform, dataset) for platform in platforms.values() for dataset in platform.datasets),
            MEMBERS_KEY,
        ],
        description="How good the data of every dataset is: the four dimensions and the overall score of its newest "
        "period, with the confidence in it. The command `quality` shows the same, with trends and reasons.",
        io_manager_key="lake_io",
        group_name="quality",
        kinds={"pandas", "duckdb"},
        owners=OWNERS,
        tags={"stage": "quality"},
        metadata={"dagster/table_name": "quality.scorecard"},
        dagster_type=ScorecardFrame,
        automation_condition=AFTER_ANY_SYNC,
    )
    def scorecard(lake: LakeResource) -> pd.DataFrame:
        with lake.open().session() as session:
            return _frame(cards_of(session))

    return scorecard


def _frame(cards: list[DatasetCard]) -> pd.DataFrame:
    rows = []
    for card in cards:
        overall = card.dimensions[OVERALL]
        scores = {name: card.dimensions[name].score for name in (*DIMENSIONS, OVERALL)}
        row = {"dataset": card.name, "partition": card.partition, **scores}
        rows.append({**row, "confidence": overall.confidence, "findings": len(card.findings)})
    frame = pd.DataFrame(rows, columns=["dataset", "partition", *SHARES, "findings"])
    return frame.astype({**dict.fromkeys(SHARES, "float64"), "findings": "int64"})
