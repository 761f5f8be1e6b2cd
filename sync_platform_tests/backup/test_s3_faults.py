"""S3 that is busy for a minute, drops connections, loses answers, or refuses to write.

A backup waits and goes on, or it fails with one clear error, and then there is no backup.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.errors import StorageError
from sync_platform_tests.backup.backed_up_lake import MENU, BackedUpLake, fill
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.lake.harness import LakeHarness
from sync_platform_tests.services import S3Server
from sync_platform_tests.storage.strict_s3 import Sleeps, StrictS3, store_of, strict_s3

_prefixes = (f"backups-{number}" for number in itertools.count(1))
MINUTE_S = 60


@pytest.fixture
def server(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[StrictS3]:
    for name, value in s3_server.environment.items():
        if name != "AWS_ENDPOINT_URL":
            monkeypatch.setenv(name, value)
    with strict_s3(s3_server.endpoint) as running:
        yield running


@pytest.fixture(scope="module")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path_factory.mktemp("home"))
    fill(harness)
    yield harness
    harness.lake.close()


def _backed_up(harness: LakeHarness, server: StrictS3, busy_s: float = 0) -> tuple[BackedUpLake, Sleeps]:
    store, sleeps = store_of(server, "tests", next(_prefixes), busy_s)
    return BackedUpLake(harness, store), sleeps


def _is_restored(lake: BackedUpLake, folder: Path) -> bool:
    manifest = lake.repository.manifests()[-1]
    for file in manifest.files:
        lake.repository.read_into(file, folder / file.path)
    data = Path(lake.harness.lake.address.data)
    return all(
        (folder / file.path).read_bytes() == (data / file.path).read_bytes() for file in manifest.with_role("data")
    )


@pytest.mark.parametrize("moment", ["PUT ", only_in_full("GET "), only_in_full("manifests/")])
def test_a_minute_of_503_in_the_middle_of_a_backup_is_waited_for(
    harness: LakeHarness, server: StrictS3, moment: str, tmp_path: Path
) -> None:
    lake, sleeps = _backed_up(harness, server, busy_s=MINUTE_S)

    def be_busy_once(request: str) -> None:
        if moment in request and ("objects/" in request or "PUT" in request):
            server.busy, server.on_request = 10_000, lambda request: None

    server.on_request = be_busy_once
    lake.make("full")
    assert sleeps.slept >= MINUTE_S
    assert lake.verify().found == []
    assert _is_restored(lake, tmp_path)


def test_a_store_that_stays_busy_is_one_clear_error_and_no_backup(harness: LakeHarness, server: StrictS3) -> None:
    lake, sleeps = _backed_up(harness, server, busy_s=1e9)
    server.busy = 10_000
    with pytest.raises(StorageError, match=r"cannot \w+ s3://tests/backups-\d+/.*: SlowDown"):
        lake.make("full")
    assert sleeps.slept >= MINUTE_S
    server.busy = 0
    assert lake.repository.manifests() == []
    lake.make("full")
    assert lake.verify().found == []


def test_connections_that_are_dropped_in_the_middle_of_an_object_harm_nothing(
    harness: LakeHarness, server: StrictS3, tmp_path: Path
) -> None:
    lake, _ = _backed_up(harness, server)
    server.cut.update({"PUT": 3, "answer to GET": 3})
    lake.make("full")
    server.cut.update({"answer to GET": 3})
    assert lake.verify().found == []
    server.cut.update({"answer to GET": 3})
    assert _is_restored(lake, tmp_path)
    assert max(server.cut.values()) < 0, "every cut happened"


def test_a_manifest_whose_answer_was_lost_is_one_backup(harness: LakeHarness, server: StrictS3) -> None:
    lake, _ = _backed_up(harness, server)

    def lose(request: str) -> None:
        server.lost["PUT"] = int("manifests/" in request)

    server.on_request = lose
    made = lake.make("full")
    assert [each.digest for each in lake.repository.read_manifests()] == [made.digest]
    assert lake.verify().found == []


def test_a_store_that_refuses_to_write_is_one_clear_error_and_what_was_there_stays(
    harness: LakeHarness, server: StrictS3
) -> None:
    lake, _ = _backed_up(harness, server)
    first = lake.make("full").manifest
    harness.sync([*MENU, {"id": 99, "name": "New"}], hour=50)
    server.refuses_writes = True
    with pytest.raises(StorageError, match=r"cannot write s3://tests/backups-\d+/objects/.*: AccessDenied"):
        lake.make()
    assert lake.verify().found == []
    server.refuses_writes = False
    second = lake.make().manifest
    assert [each.id for each in lake.repository.manifests()] == [first.id, second.id]
    assert lake.verify().found == []


def test_a_bucket_that_is_gone_is_named(harness: LakeHarness, server: StrictS3) -> None:
    store, _ = store_of(server, "no-such-bucket", "backups")
    with pytest.raises(StorageError, match="there is no bucket no-such-bucket"):
        BackedUpLake(harness, store)
