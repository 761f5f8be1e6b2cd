"""How data passes from one asset to another: as a landing (objects and manifests), or as a table of the lake.

What belongs here: how the output of an asset is stored, and loaded as the input of another. Assets of tables and of
unified restaurants commit their tables themselves, with history and cursor, and return no value.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

from sync_platform.defs.metadata import metadata_of_landing
from sync_platform.defs.resources import LakeResource, StoreResource
from sync_platform.errors import StorageError
from sync_platform.lake.frame import replace_frame
from sync_platform.landing.manifest import Manifest, land, newest_landing
from sync_platform.landing.reader import LandedDataset
from sync_platform.storage.lake_connection import LAKE


class LandingIOManager(dg.ConfigurableIOManager):
    """Stores the manifests of a sync, which makes its pages landed. Loads the landing of one dataset for its table."""

    landing_store: dg.ResourceDependency[StoreResource]

    def handle_output(self, context: dg.OutputContext, obj: list[Manifest]) -> None:
        store = self.landing_store.open()
        land(store, obj)
        context.add_output_metadata(metadata_of_landing(store, obj))

    def load_input(self, context: dg.InputContext) -> LandedDataset | None:
        """The newest landing of the dataset that the input's metadata names; None where that sync did not fetch it."""
        platform, asked = context.asset_key.path[-1], context.definition_metadata or {}
        store = self.landing_store.open()
        landed = newest_landing(store, platform, asked["datasets"], context.asset_partition_key)
        if not landed:
            raise StorageError(f"nothing is landed for {platform} in {context.asset_partition_key}: sync it first")
        return next(
            (LandedDataset(manifest, store) for manifest in landed if manifest.dataset == asked["dataset"]), None
        )


class LakeIOManager(dg.ConfigurableIOManager):
    """Stores a frame as a table. Loads a table in the form of the input's type: a DuckDB relation, an Arrow table, a
    polars or a pandas frame. Of a table of records only live rows are loaded."""

    lake: dg.ResourceDependency[LakeResource]

    def handle_output(self, context: dg.OutputContext, obj: pd.DataFrame | None) -> None:
        if obj is not None:  # else the asset has committed its table itself
            schema, table = context.asset_key.path
            replace_frame(self.lake.open(), schema, table, obj, context.run_id)

    def load_input(self, context: dg.InputContext) -> Any:
        schema, table = context.asset_key.path
        wanted = context.dagster_type.typing_type
        if wanted not in FORMS:
            raise dg.DagsterInvalidDefinitionError(
                f"input {context.name}: annotate it as duckdb.DuckDBPyRelation, pyarrow.Table, polars.DataFrame or "
                f"pandas.DataFrame, not {wanted}"
            )
        # the session stays open as long as the run's lake, because a relation is read when its asset reads it
        session = self.lake.open().open_session()
        relation = session.table(f'{LAKE}."{schema}"."{table}"')
        return FORMS[wanted](relation.filter("removed_at IS NULL") if "removed_at" in relation.columns else relation)


def io_managers(landing_store: StoreResource, lake: LakeResource) -> dict[str, dg.ConfigurableIOManager]:
    """The IO managers by the keys that assets name."""
    return {"landing_io": LandingIOManager(landing_store=landing_store), "lake_io": LakeIOManager(lake=lake)}


FORMS: dict[Any, Callable[[duckdb.DuckDBPyRelation], Any]] = {
    duckdb.DuckDBPyRelation: lambda relation: relation,
    pa.Table: lambda relation: relation.to_arrow_table(),
    pl.DataFrame: lambda relation: relation.pl(),
    pd.DataFrame: lambda relation: relation.df(),
}
