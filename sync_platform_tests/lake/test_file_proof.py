"""Every file of the lake has the bytes that it had when it was first seen; else its name is known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.lake.catalog_files import list_files
from sync_platform.lake.file_proof import FileProof
from sync_platform.lake.maintenance import maintain
from sync_platform.settings import load_settings
from sync_platform.storage.file_lists import file_lists
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.lake.harness import LakeHarness

MENU = [{"id": number, "name": f"Dish {number}"} for number in range(1, 30)]


@pytest.fixture
def harness(tmp_path: Path, installation: dict[str, str]) -> Iterator[LakeHarness]:
    """A lake on a laptop or on PostgreSQL with S3: two syncs, the second of which deletes rows in files."""
    harness = LakeHarness(tmp_path)
    harness.sync(MENU, hour=0)
    harness.sync(MENU[:25], hour=10)
    yield harness
    harness.lake.close()


def _paths(harness: LakeHarness) -> list[str]:
    with harness.lake.session() as session:
        return [file.path for file in list_files(session)]


def _flip(proof: FileProof, path: str, at: int | None = None) -> bytes:
    """Flip one bit of a file; returns the bytes before."""
    before = proof.data.get(path)
    body = bytearray(before)
    place = random.Random(path).randrange(len(body)) if at is None else at
    body[place] ^= 1 << (place % 8)
    proof.data.put(path, bytes(body))
    return before


def _damaged(proof: FileProof) -> list[str]:
    return [each.file.path for each in proof.check().damaged]


def test_a_flipped_bit_in_any_file_is_found_and_the_file_is_named(harness: LakeHarness) -> None:
    proof, paths = harness.file_proof(), _paths(harness)
    assert any("-delete" in path for path in paths)
    assert (proof.record_new(), proof.check().unrecorded, _damaged(proof)) == (len(paths), 0, [])
    for path in paths:
        before = _flip(proof, path)
        assert _damaged(proof) == [path]
        proof.data.put(path, before)
    assert _damaged(proof) == []


def test_a_file_that_is_gone_cut_short_or_another_one_is_found(harness: LakeHarness) -> None:
    proof = harness.file_proof()
    proof.record_new()
    first, second, third, *_ = _paths(harness)
    body = proof.data.get(first)
    proof.data.delete(first)
    proof.data.put(second, proof.data.get(second)[:-1])
    proof.data.put(third, body)
    problems = {each.file.path: each.problem for each in proof.check().damaged}
    assert (list(problems), problems[first]) == ([first, second, third], "it is gone")
    assert "and the lake committed" in problems[second]
    with pytest.raises(StorageError, match=f"{first} of .*: it is gone; .*restore the lake from its backup"):
        proof.require_intact()


def test_a_file_is_recorded_once_and_only_new_ones_are_read(harness: LakeHarness) -> None:
    proof = harness.file_proof()
    proof.record_new()
    assert proof.record_new() == 0
    before = set(_paths(harness))
    history = next(path for path in _paths(harness) if path.startswith("lineage/changes/"))  # no sync reads it
    _flip(proof, history)  # recorded before: recording does not take the new bytes for the right ones
    harness.sync(MENU[:20], hour=20)
    assert proof.record_new() == len(set(_paths(harness)) - before)
    assert len(_damaged(proof)) == 1


def test_a_file_damaged_before_it_is_recorded_is_not_recorded_if_its_size_shows_it(harness: LakeHarness) -> None:
    proof = harness.file_proof()
    path = _paths(harness)[0]
    proof.data.put(path, proof.data.get(path) + b"x")
    proof.record_new()
    assert (_damaged(proof), proof.check().unrecorded) == ([path], 1)


def test_merged_files_are_recorded_and_deleted_ones_are_forgotten(harness: LakeHarness) -> None:
    proof = harness.file_proof()
    proof.record_new()
    maintain(harness.lake, 30, datetime.now(UTC), "run")
    assert proof.record_new() > 0
    proof.replace_lists()
    recorded, damaged = proof.lists.read()
    assert (set(recorded), damaged, _damaged(proof)) == (set(_paths(harness)), [], [])
    assert [each.kind for each in proof.lists.chain()] == ["new", "new", "all"]
    assert list(broken_links(proof.lists.chain())) == []
    harness.sync(MENU[:20], hour=20)
    assert proof.record_new() > 0
    path = _paths(harness)[0]
    _flip(proof, path)
    assert _damaged(proof) == [path]


def test_processes_that_record_together_make_one_chain_with_every_file_once(harness: LakeHarness) -> None:
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(lambda _: harness.file_proof().record_new(), range(4)))
    proof = harness.file_proof()
    assert sum(counts) == len(_paths(harness)) == len(proof.lists.read()[0])
    assert list(broken_links(proof.lists.chain())) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [({"content": None}, "its content is gone"), ({"content": "{}"}, "its content was changed")],
)
def test_a_list_whose_content_was_changed_is_found(
    harness: LakeHarness, change: dict[str, str | None], found: str
) -> None:
    proof = harness.file_proof()
    proof.record_new()
    engine = open_database(load_settings(sync_home=harness.folder).ledger_url, MIGRATIONS)
    with engine.begin() as connection:
        connection.execute(sa.update(file_lists).values(**change))
    engine.dispose()
    assert [what for _, what in proof.check().damaged_lists] == [found]
    with pytest.raises(StorageError, match=f"file list 1: {found}"):
        proof.require_intact()
