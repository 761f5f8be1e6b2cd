"""Several processes at once over one lake: every commit there once, and every reader sees whole commits only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync_platform.errors import NoLakeYet
from sync_platform.lake.schema import schemas_present
from sync_platform.settings import load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform_tests.lake.lab import HISTORY, Lab, diner
from sync_platform_tests.processes import outputs_of

OWN, SHARED, COMMITS, DISHES_EACH = ["noodles", "tea"], ["shared", "shared"], 3, 20
IMPORTS = """
import itertools
from pathlib import Path
import alembic.command
from sync_platform_tests.lake.lab import Lab, diner
"""
WRITER = f"""
folder, names, number = Path(sys.argv[1]), sys.argv[2].split(), int(sys.argv[3])
lab = Lab(folder, diner(names[number]), itertools.count(1000 * number))
for commit in range({COMMITS}):
    menu = [{{"id": dish, "name": f"Dish of commit {{commit}}"}} for dish in range({DISHES_EACH} + commit)]
    lab.sync(menu, hour=commit, mode="incremental")
"""


def test_writers_of_one_and_of_different_platforms_on_a_fresh_lake_lose_nothing(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    names = OWN + SHARED
    with _watched(tmp_path) as looks:
        outputs_of(len(names), IMPORTS, WRITER, str(tmp_path), " ".join(names))
    assert looks, "no reader got a look"
    rows = DISHES_EACH + COMMITS - 1
    for name in set(names):
        writers = names.count(name)
        lab = Lab(tmp_path, diner(name))
        assert lab.ask(f"SELECT count(*), count(DISTINCT sync_id) FROM sync.runs WHERE platform = '{name}'") == [
            (COMMITS * writers, COMMITS * writers)
        ]
        assert [int(dish) for (dish,) in lab.table("source_id")] == sorted(range(rows), key=str)
        assert {dish for _, dish in lab.table()} == {f"Dish of commit {COMMITS - 1}"}
        assert lab.replay_differs() == []
        lab.lake.close()


@contextmanager
def _watched(folder: Path) -> Iterator[list[tuple[int, ...]]]:
    """Read the lake over and over meanwhile; a look that fails, or shows rows without history, fails the test."""
    looks: list[tuple[int, ...]] = []
    wrong: list[object] = []
    over = threading.Event()

    def watch() -> None:
        try:
            while not over.is_set():
                if (look := _look(folder)) is not None:
                    looks.append(look)
                time.sleep(0.25)  # leaves the writers some of the machine
        except Exception as error:
            wrong.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield looks
    finally:
        over.set()
        thread.join()
    assert wrong == []
    assert [look for look in looks if len(set(look)) != 1] == []


def _look(folder: Path) -> tuple[int, ...] | None:
    """Live rows of the shared platform by three accounts: its table, its history, and the record of its syncs."""
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
