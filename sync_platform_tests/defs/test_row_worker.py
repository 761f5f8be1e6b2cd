"""A sync gives its row worker every object that it lands, and asks it for the rows."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sync_platform.definitions import build
from sync_platform.defs.automation import asset_keys
from sync_platform.defs.progress import NoProgress
from sync_platform.lake.row_worker import NoRowWorker
from sync_platform.landing.manifest import Manifest
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.sources.period import current_period


class Listener(NoRowWorker):
    """Records the objects that it is given, and the datasets whose rows are requested."""

    def __init__(self) -> None:
        self.given: dict[str, dict[str, str]] = {}
        self.asked: dict[str, dict[str, str]] = {}

    def parse(self, dataset: str, key: str, digest: str) -> None:
        self.given.setdefault(dataset, {})[key] = digest

    def rows_of(self, manifest: Manifest) -> None:
        self.asked[manifest.dataset] = manifest.objects


def test_a_sync_gives_the_row_worker_every_object_and_asks_it_for_every_dataset(tmp_path: Path) -> None:
    row_worker, platform = Listener(), load_platforms()["chope"]
    settings = Settings(_env_file=None, sync_home=tmp_path, sandbox_places=40)
    job = build(settings, NoProgress(), row_worker).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        period = current_period(platform.cadence).key
        job.execute_in_process(asset_selection=asset_keys(platform), partition_key=period, instance=instance)
    assert set(row_worker.asked) == {dataset.name for dataset in platform.datasets}
    assert row_worker.given == row_worker.asked
