"""Several processes on one lake: every commit is stored once, and readers see only whole commits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync_platform.errors import NoLakeYet
from sync_platform.lake.schema import schemas_present
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner
from sync_platform_tests.processes import outputs_of

OWN, SHARED, COMMITS, DISHES_EACH = ["noodles", "tea"], ["shared", "shared"], 3, 20
IMPORTS = """
import itertools
from pathlib import Path
import alembic.command
from sync_platform_tests.lake.harness import LakeHarness, diner
"""
WRITER = f"""
folder, names, number = Path(sys.argv[1]), sys.argv[2].split(), int(sys.argv[3])
harness = LakeHarness(folder, diner(names[number]), itertools.count(1000 * number))
for commit in range({COMMITS}):
    menu = [{{"id": dish, "name": f"Dish of commit {{commit}}"}} for dish in range({DISHES_EACH} + commit)]
    harness.sync(menu, hour=commit, mode="incremental")
"""


def test_writers_of_one_and_of_different_platforms_on_a_fresh_lake_lose_nothing(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    names = OWN + SHARED
    with _watched(tmp_path) as reads:
        outputs_of(len(names), IMPORTS, WRITER, str(tmp_path), " ".join(names))
    assert reads, "no reader has read the lake"
    rows = DISHES_EACH + COMMITS - 1
    for name in set(names):
        writers = names.count(name)
        harness = LakeHarness(tmp_path, diner(name))
        assert harness.ask(f"SELECT count(*), count(DISTINCT sync_id) FROM sync.runs WHERE platform = '{name}'") == [
            (COMMITS * writers, COMMITS * writers)
        ]
        assert [int(dish) for (dish,) in harness.table("source_id")] == sorted(range(rows), key=str)
        assert {dish for _, dish in harness.table()} == {f"Dish of commit {COMMITS - 1}"}
        assert harness.replay_differs() == []
        harness.lake.close()


@contextmanager
def _watched(folder: Path) -> Iterator[list[tuple[int, ...]]]:
    """Read the lake repeatedly during the block. The test fails if a read fails or shows rows without history."""
    reads: list[tuple[int, ...]] = []
    wrong: list[object] = []
    over = threading.Event()

    def watch() -> None:
        try:
            while not over.is_set():
                if (counts := _read_counts(folder)) is not None:
                    reads.append(counts)
                time.sleep(0.25)  # leaves the writers some processor time
        except Exception as error:
            wrong.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield reads
    finally:
        over.set()
        thread.join()
    assert wrong == []
    assert [counts for counts in reads if len(set(counts)) != 1] == []


def _read_counts(folder: Path) -> tuple[int, ...] | None:
    """Live rows of the shared platform, counted in three ways: by its table, its history, and its sync records."""
    address = LakeAddress.of(load_settings(sync_home=folder))
    try:
        with Lake(address, read_only=True) as lake, lake.session() as session:
            if "shared" not in schemas_present(session):
                return None
            return session.execute(
                f"""SELECT (SELECT count(*) FROM shared.dishes),
                    (SELECT count(*) FROM {HISTORY} WHERE platform = 'shared' AND operation = 'insert'),
                    (SELECT sum(inserted)::BIGINT FROM sync.runs WHERE platform = 'shared')"""
            ).fetchall()[0]
    except NoLakeYet:
        return None
