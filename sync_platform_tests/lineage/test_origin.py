"""Where each change is landed, on every installation, and what is told once that is no longer what it was."""

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
from sync_platform.lineage.origin import Landing
from sync_platform.storage.objects import open_store
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.installations import KINDS, installed
from sync_platform_tests.lake.lab import Lab

from .reader import dish, history_of, text_of_story


@pytest.fixture(scope="module", params=[KINDS[0], only_in_full(KINDS[1])])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One on each installation: who meddles with its landing puts it right afterwards."""
    with installed(request.param, request):
        lab = Lab(tmp_path_factory.mktemp("origin"))
        _fill(lab)
        yield lab
        lab.lake.close()


def _fill(lab: Lab) -> None:
    lab.sync([{"id": 1, "name": "Soup"}, {"id": 2, "name": "Rice"}], 0)
    lab.sync([{"id": 1, "name": "Hot soup"}, {"id": 2, "name": "Rice"}], 1)
    lab.sync([{"id": 2, "name": "Rice"}], 2)
    lab.sync([{"id": 1, "name": "Soup"}, {"id": 2, "name": "Rice"}], 3)


@pytest.fixture
def first_object(lab: Lab) -> Iterator[str]:
    """The key of what the first sync landed, for a test to meddle with."""
    first = dish(lab, "1").changes[0].origin
    assert first is not None
    bodies = {key: lab.store.get(key) for key in (first.object, _manifest(first.object))}
    yield first.object
    for key, body in bodies.items():
        lab.store.put(key, body)


def test_every_change_of_a_record_is_told_with_its_page(lab: Lab) -> None:
    steps = dish(lab, "1").changes
    assert [traced.change.operation for traced in steps] == ["insert", "update", "remove", "restore"]
    assert [traced.change.run_id for traced in steps] == ["run-1", "run-2", "run-3", "run-4"]
    assert [traced.origin and traced.origin.state for traced in steps] == ["intact", "intact", None, "intact"]
    (body,) = steps[0].origin.bodies if steps[0].origin else ()
    assert (body.url, body.status) == ("http://diner.test/dishes", 200)
    assert body.sha256 == hashlib.sha256(b"[]").hexdigest()


def test_one_column_of_it_can_be_asked_for(lab: Lab) -> None:
    (name,) = (each for traced in dish(lab, "1", "name").changes[1:2] for each in traced.change.fields)
    assert (name.field, name.before, name.after) == ("name", "Soup", "Hot soup")
    with pytest.raises(UsageError, match=r"no history of 'colour'; it has one of .*name"):
        dish(lab, "1", "colour")


def test_as_of_a_moment_only_what_was_known_then_is_told(lab: Lab) -> None:
    steps = dish(lab, "1").changes
    then = steps[1].change.committed_at
    assert dish(lab, "1", as_of=then).changes == steps[:2]
    with pytest.raises(UsageError, match="nothing was known of diner.dishes 1 then"):
        dish(lab, "1", as_of=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError, match="knows no record diner.dishes 9"):
        dish(lab, "9")


def _rewrite(lab: Lab, key: str) -> None:
    lab.store.put(key, lab.store.get(key) + b" ")


def _delete(lab: Lab, key: str) -> None:
    lab.store.delete(key)


def _damage(lab: Lab, key: str) -> None:
    lab.store.put(_manifest(key), b"{")


def _disown(lab: Lab, key: str) -> None:
    manifest = _manifest(key)
    lab.store.put(manifest, lab.store.get(manifest).replace(key.encode(), key.replace("pages", "leaves").encode()))


def _forge(lab: Lab, key: str) -> None:
    """Another page, and a manifest that bears it out: whatever landing says of itself, the chain knows better."""
    body = ZstdCompressor().compress(b'{"id":1,"name":"Forged"}\n{"id":2,"name":"Rice"}\n')
    before = hashlib.sha256(lab.store.get(key)).hexdigest()
    manifest = lab.store.get(_manifest(key)).replace(before.encode(), hashlib.sha256(body).hexdigest().encode())
    lab.store.put(key, body)
    lab.store.put(_manifest(key), manifest)


def _lose_manifest(lab: Lab, key: str) -> None:
    lab.store.delete(_manifest(key))


def _retire(lab: Lab, key: str) -> None:
    _delete(lab, key)
    _lose_manifest(lab, key)


def _manifest(key: str) -> str:
    return f"{key.rpartition('/')[0]}/manifest.json"


@pytest.mark.parametrize(
    ("meddle", "state", "words"),
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
def test_what_is_no_longer_what_was_landed_is_told(
    lab: Lab, first_object: str, meddle: Callable[[Lab, str], None], state: str, words: str
) -> None:
    meddle(lab, first_object)
    story = dish(lab, "1")
    assert [traced.origin and traced.origin.state for traced in story.changes] == [state, "intact", None, "intact"]
    assert words in text_of_story(story)


@pytest.mark.parametrize("line", [2, 3])
def test_a_line_that_holds_another_record_or_none_is_told(lab: Lab, line: int) -> None:
    change = replace(dish(lab, "1").changes[0].change, landing_line=line)
    origin = Landing(lab.store, {"diner": lab.platform}, lambda key: None).origin(change)
    assert origin is not None
    assert origin.state == ("other_record" if line == 2 else "unproved")


def test_of_a_platform_that_is_declared_no_more_the_origin_is_found_still(lab: Lab) -> None:
    with history_of(lab) as history:
        (change, *_) = history.of("diner", "dishes", "1")
    origin = Landing(lab.store, {}, lambda key: None).origin(change)
    assert origin is not None
    assert origin.is_intact


def test_a_landing_that_cannot_be_reached_is_no_sign_of_tampering(lab: Lab) -> None:
    """Port 9 answers nobody: that is told as what it is, and nothing is called unproved."""
    client = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="ap-southeast-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody",
        config=Config(retries={"max_attempts": 1}),
    )
    landing = Landing(open_store("s3://nowhere/landing", client), {"diner": lab.platform}, lambda key: None)
    with pytest.raises(StorageError):
        landing.origin(dish(lab, "1").changes[0].change)
