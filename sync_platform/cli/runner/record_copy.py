"""A copy of Dagster's records, to read them where nothing can be written: on a read-only or full disk, and in a folder
of another user.

Dagster opens its SQLite files only to write too. The log of a single run is not copied: a link shows that it is there.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sync_platform.cli.runner.home import INSTANCE_FILE
from sync_platform.storage.unwritable_place import place_problem, readable_database

DATABASES = (Path("history/runs.db"), Path("history/runs/index.db"), Path("schedules/schedules.db"))
RUN_LOGS = "history/runs/*.db"


def is_only_readable(home: Path) -> bool:
    """True if Dagster's records in the folder, or the folder itself where it is not made yet, cannot be written."""
    if not home.exists():
        parent = next(each for each in home.parents if each.exists())
        return place_problem(parent / home.name) is not None
    files = [home / INSTANCE_FILE, *(home / each for each in DATABASES)]
    return any(place_problem(file) is not None for file in files if file.parent.exists())


@contextmanager
def copied_records(home: Path) -> Iterator[Path]:
    """A folder with a copy of the records, for the block; sqlite3.Error or OSError where they cannot be read."""
    with tempfile.TemporaryDirectory(prefix="dagster-records-") as name:
        folder = Path(name)
        if (home / INSTANCE_FILE).exists():
            shutil.copyfile(home / INSTANCE_FILE, folder / INSTANCE_FILE)
        for database in DATABASES:
            (folder / database).parent.mkdir(parents=True, exist_ok=True)
            if (home / database).exists():
                _copy(home / database, folder / database)
        for log in home.glob(RUN_LOGS):
            if not (linked := folder / log.relative_to(home)).exists():
                linked.symlink_to(log.absolute())
        yield folder


def _copy(database: Path, copy: Path) -> None:
    readable = readable_database(database, copy.parent)
    if readable != copy:
        source_address = f"{readable.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(source_address, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
