"""The locks that a process has on SQLite files, and a check in every test process that none of them is taken away.

When a process closes a file, it loses all its locks on that file. So a file that one SQLite has open is opened neither
as a plain file (`folder_copies.py` is there for that) nor by a second SQLite: DuckDB's opens catalogs, Python's opens
all other databases.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

ENDINGS = (".sqlite", ".db")
BESIDE = ("", "-wal", "-shm")
CATALOG = "catalog.sqlite"


def held_locks(database: Path) -> list[str]:
    """This process's locks on a database and the files beside it, as the system shows them."""
    nodes = {str(file.stat().st_ino) for each in BESIDE if (file := Path(f"{database}{each}")).exists()}
    lines = [line.split() for line in Path("/proc/locks").read_text().splitlines()] if nodes else []
    return sorted(
        " ".join(fields[1:])
        for fields in lines
        if "->" not in fields and fields[4] == str(os.getpid()) and fields[5].split(":")[-1] in nodes
    )


def refuse_to_take_locks_away() -> None:
    """From now on, to open a database whose locks this process would lose is an AssertionError."""
    if sys.platform == "linux":
        sys.addaudithook(_require_kept_locks)


def _require_kept_locks(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str | Path):
        database = str(arguments[0]).removesuffix("-wal").removesuffix("-shm")
        is_opened_anew = database.endswith(ENDINGS)
    elif event == "sqlite3.connect":
        database = str(arguments[0]).removeprefix("file://").split("?")[0]
        is_opened_anew = database.endswith(f"/{CATALOG}")
    else:
        return
    if is_opened_anew:
        held = held_locks(Path(database))
        assert not held, f"to open {database} takes away the locks that this process has on it: {held}"
