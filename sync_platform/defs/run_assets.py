"""The assets that a run makes, as the parts of their keys: `landing`, `openrice`, `restaurants`."""

from __future__ import annotations

import dagster as dg


def key_parts_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """The parts of the keys of all assets that a run makes; empty where Dagster has no record of its job.

    A run without a selection of assets, as GraphQL may launch it, makes all of its job's. Dagster names the node of an
    asset by its key, with two underscores between the parts.
    """
    if run.asset_selection:
        return {part for key in run.asset_selection for part in key.path}
    if run.job_snapshot_id is None or not instance.has_job_snapshot(run.job_snapshot_id):
        return set()
    job = instance.get_job_snapshot(run.job_snapshot_id)
    return {part for node in job.node_names for part in node.split("__")}
