"""A home that an earlier or a released version made, unpacked: a synced home in half a second."""

from __future__ import annotations

import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

from sync_platform_tests.cli.conftest import Shell

EARLIER_HOME = Path(__file__).parent / "earlier_home"


def unpacked_home(home: Path, made: Path = EARLIER_HOME) -> Shell:
    """The home that is archived in a folder, in a new one."""
    with tarfile.open(made / "home.tar.xz") as archive:
        archive.extractall(home)  # of our own: Python before 3.11.4 knows no filters
    find_own_files(home)
    return Shell(home)


def find_own_files(home: Path) -> None:
    """Change the catalog of a home that was moved or copied: its files are there too."""
    with closing(sqlite3.connect(home / "lake" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{home}/lake/data/"])
