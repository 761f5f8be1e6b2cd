"""Definitions of one job, which the server of the tests loads in place of the product's."""

import dagster as dg


@dg.op
def nothing() -> None: ...


@dg.job(partitions_def=dg.StaticPartitionsDefinition(["one", "two"]))
def small() -> None:
    nothing()


defs = dg.Definitions(jobs=[small])
