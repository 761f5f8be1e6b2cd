"""Every platform file lands everything that the sandbox has: complete manifests, no personal value in clear."""

from __future__ import annotations

from pathlib import Path

import httpx
import orjson
import pytest

from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.scope import Scope
from sync_platform.storage.objects import open_store
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.sealed_values import PREFIX

from .replay import BASE, CREDENTIALS, MemorySecrets

PLATFORMS = load_platforms()


@pytest.fixture(scope="module")
def city() -> City:
    return City(120)


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_lands_the_sandbox_whole(name: str, city: City, tmp_path: Path) -> None:
    platform = PLATFORMS[name]
    store = open_store((tmp_path / "landing").as_uri())
    source = Source(
        base_url=f"{BASE}/{name}",
        archive_url=f"{BASE}/{name}_archive",
        credentials=CREDENTIALS,
        requests_per_second=None,
        concurrency=8,
        ids_only=False,
        transport=httpx.ASGITransport(create_app(city)),
    )
    vault = Vault(open_vault_database(f"sqlite:///{tmp_path / 'vault.sqlite'}"), MasterKey(bytes(32)))
    fetch = Fetch(platform, source, MemorySecrets(), Scope(), "test", new_sync_id(), "test")
    manifests = extract(fetch, Destination(store, vault))
    assert [manifest.dataset for manifest in manifests] == [dataset.name for dataset in platform.datasets]
    for manifest, dataset in zip(manifests, platform.datasets, strict=True):
        assert manifest.reasons == [], f"{name}.{manifest.dataset}"
        assert manifest.distinct_ids > 0, f"{name}.{manifest.dataset} is empty"
        assert _in_clear(dataset, LandedDataset(manifest, store)) == set()


def _in_clear(dataset: Dataset, landed: LandedDataset) -> set[str]:
    """The personal fields of which some landed value is not sealed."""
    texts = set()
    for _, body in landed.objects():
        for record in map(orjson.loads, body.splitlines()):
            for path in dataset.personal.fields if dataset.personal else ():
                value = record
                for name in path.split("."):
                    value = value.get(name) if isinstance(value, dict) else value
                if value not in (None, "") and not str(value).startswith(PREFIX):
                    texts.add(path)
    return texts
