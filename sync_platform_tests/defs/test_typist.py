"""A sync tells its typist of what it lands, and asks it for the rows."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sync_platform.definitions import build
from sync_platform.defs.automation import asset_keys
from sync_platform.defs.progress import Silence
from sync_platform.lake.typist import Nobody
from sync_platform.landing.manifest import Manifest
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.sources.period import current_period


class Listener(Nobody):
    """Notes what it is told, and whose rows it is asked for."""

    def __init__(self) -> None:
        self.told: dict[str, dict[str, str]] = {}
        self.asked: dict[str, dict[str, str]] = {}

    def landed(self, dataset: str, key: str, digest: str) -> None:
        self.told.setdefault(dataset, {})[key] = digest

    def rows_of(self, manifest: Manifest) -> None:
        self.asked[manifest.dataset] = manifest.objects


def test_it_is_told_of_every_object_and_asked_for_every_dataset(tmp_path: Path) -> None:
    typist, platform = Listener(), load_platforms()["chope"]
    settings = Settings(_env_file=None, sync_home=tmp_path, sandbox_places=40)
    job = build(settings, Silence(), typist).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        period = current_period(platform.cadence).key
        job.execute_in_process(asset_selection=asset_keys(platform), partition_key=period, instance=instance)
    assert set(typist.asked) == {dataset.name for dataset in platform.datasets}
    assert typist.told == typist.asked
