"""The origin of each change, on every installation, and the report when the landing was changed or deleted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from zstandard import ZstdCompressor

from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.origin import OriginFinder
from sync_platform.storage.objects import open_store
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.installations import KINDS, installed
from sync_platform_tests.lake.harness import LakeHarness

from .reader import dish, history_of, text_of_story


@pytest.fixture(scope="module", params=[KINDS[0], only_in_full(KINDS[1])])
def harness(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeHarness]:
    """A harness on each installation. A test that changes the landing restores it."""
    with installed(request.param, request):
        harness = LakeHarness(tmp_path_factory.mktemp("origin"))
        _fill(harness)
        yield harness
        harness.lake.close()


def _fill(harness: LakeHarness) -> None:
    harness.sync([{"id": 1, "name": "Soup"}, {"id": 2, "name": "Rice"}], 0)
    harness.sync([{"id": 1, "name": "Hot soup"}, {"id": 2, "name": "Rice"}], 1)
    harness.sync([{"id": 2, "name": "Rice"}], 2)
    harness.sync([{"id": 1, "name": "Soup"}, {"id": 2, "name": "Rice"}], 3)


@pytest.fixture
def first_object(harness: LakeHarness) -> Iterator[str]:
    """The key of the object of the first sync, which a test may change."""
    first = dish(harness, "1").changes[0].origin
    assert first is not None
    bodies = {key: harness.store.get(key) for key in (first.object, _manifest(first.object))}
    yield first.object
    for key, body in bodies.items():
        harness.store.put(key, body)


def test_every_change_of_a_record_is_shown_with_its_page(harness: LakeHarness) -> None:
    steps = dish(harness, "1").changes
    assert [traced.change.operation for traced in steps] == ["insert", "update", "remove", "restore"]
    assert [traced.change.run_id for traced in steps] == ["run-1", "run-2", "run-3", "run-4"]
    assert [traced.origin and traced.origin.state for traced in steps] == ["intact", "intact", None, "intact"]
    (body,) = steps[0].origin.bodies if steps[0].origin else ()
    assert (body.url, body.status) == ("http://diner.test/dishes", 200)
    assert body.sha256 == hashlib.sha256(b"[]").hexdigest()


def test_the_story_of_one_column_can_be_read(harness: LakeHarness) -> None:
    (name,) = (each for traced in dish(harness, "1", "name").changes[1:2] for each in traced.change.fields)
    assert (name.field, name.before, name.after) == ("name", "Soup", "Hot soup")
    with pytest.raises(UsageError, match=r"no history of 'colour'; it has one of .*name"):
        dish(harness, "1", "colour")


def test_as_of_a_moment_only_what_was_known_then_is_shown(harness: LakeHarness) -> None:
    steps = dish(harness, "1").changes
    then = steps[1].change.committed_at
    assert dish(harness, "1", as_of=then).changes == steps[:2]
    with pytest.raises(UsageError, match="diner.dishes 1 was not known then"):
        dish(harness, "1", as_of=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="has no record diner.dishes 9"):
        dish(harness, "9")


def _rewrite(harness: LakeHarness, key: str) -> None:
    harness.store.put(key, harness.store.get(key) + b" ")


def _delete(harness: LakeHarness, key: str) -> None:
    harness.store.delete(key)


def _damage(harness: LakeHarness, key: str) -> None:
    harness.store.put(_manifest(key), b"{")


def _disown(harness: LakeHarness, key: str) -> None:
    manifest = _manifest(key)
    harness.store.put(
        manifest, harness.store.get(manifest).replace(key.encode(), key.replace("pages", "leaves").encode())
    )


def _forge(harness: LakeHarness, key: str) -> None:
    """Replace the page and its digest in the manifest; only the chain still has the original digest."""
    body = ZstdCompressor().compress(b'{"id":1,"name":"Forged"}\n{"id":2,"name":"Rice"}\n')
    before = hashlib.sha256(harness.store.get(key)).hexdigest()
    manifest = harness.store.get(_manifest(key)).replace(before.encode(), hashlib.sha256(body).hexdigest().encode())
    harness.store.put(key, body)
    harness.store.put(_manifest(key), manifest)


def _lose_manifest(harness: LakeHarness, key: str) -> None:
    harness.store.delete(_manifest(key))


def _retire(harness: LakeHarness, key: str) -> None:
    _delete(harness, key)
    _lose_manifest(harness, key)


def _manifest(key: str) -> str:
    return f"{key.rpartition('/')[0]}/manifest.json"


@pytest.mark.parametrize(
    ("tamper", "state", "words"),
    [
        (_rewrite, "altered", "ALTERED"),
        (_delete, "missing", "MISSING"),
        (_damage, "unproved", "UNPROVED"),
        (_disown, "unproved", "UNPROVED"),
        (_forge, "rewritten", "REWRITTEN"),
        (_lose_manifest, "unproved", "UNPROVED"),
        (_retire, "gone", "no longer kept"),
    ],
)
def test_a_landing_object_that_is_changed_or_gone_is_reported(
    harness: LakeHarness, first_object: str, tamper: Callable[[LakeHarness, str], None], state: str, words: str
) -> None:
    tamper(harness, first_object)
    story = dish(harness, "1")
    assert [traced.origin and traced.origin.state for traced in story.changes] == [state, "intact", None, "intact"]
    assert words in text_of_story(story)


@pytest.mark.parametrize("line", [2, 3])
def test_a_line_with_another_record_or_without_one_is_reported(harness: LakeHarness, line: int) -> None:
    change = replace(dish(harness, "1").changes[0].change, landing_line=line)
    origin = OriginFinder(harness.store, {"diner": harness.platform}, lambda key: None).origin(change)
    assert origin is not None
    assert origin.state == ("other_record" if line == 2 else "unproved")


def test_the_origin_is_found_for_a_platform_that_is_no_longer_declared(harness: LakeHarness) -> None:
    with history_of(harness) as history:
        (change, *_) = history.of("diner", "dishes", "1")
    origin = OriginFinder(harness.store, {}, lambda key: None).origin(change)
    assert origin is not None
    assert origin.state == "intact"


def test_a_landing_that_cannot_be_reached_is_no_sign_of_tampering(harness: LakeHarness) -> None:
    """No server listens on port 9. The result is a storage error, and no origin is called unproved."""
    client = boto3.session.Session().client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="ap-southeast-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody",
        config=Config(retries={"max_attempts": 1}),
    )
    landing = OriginFinder(open_store("s3://nowhere/landing", client), {"diner": harness.platform}, lambda key: None)
    with pytest.raises(StorageError):
        landing.origin(dish(harness, "1").changes[0].change)
