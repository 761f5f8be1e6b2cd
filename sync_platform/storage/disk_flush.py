"""Files and their names written to the disk itself, so that a machine that loses its power keeps them.

The system writes what a program has written some seconds later, half a minute on Linux. A catalog writes its own file
to the disk at each commit, so the data files that a commit names must be there before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def flush_folder(folder: Path) -> None:
    """Write the names of the files in a folder to the disk. Raises OSError."""
    _flush(folder)


def flush_folders(path: Path, root: Path) -> None:
    """Write the name of a file to the disk, and those of its folders up to `root`, of which some may be new."""
    for folder in path.parents:
        with suppress(FileNotFoundError):  # the file was deleted meanwhile, and its empty folders
            _flush(folder)
        if folder == root:
            return


def files_below(folder: Path) -> set[str]:
    """The paths of all files below a folder; none where it is not there."""
    return {f"{parent}/{name}" for parent, _, names in os.walk(folder) for name in names}


def flush_files(paths: Iterable[str], root: Path) -> None:
    """Write files below `root` to the disk, with their names; one that is gone is passed over. Raises OSError."""
    folders: set[Path] = set()
    for path in paths:
        with suppress(FileNotFoundError):
            _flush(path)
            folders |= {folder for folder in Path(path).parents if folder == root or root in folder.parents}
    for folder in folders:
        with suppress(FileNotFoundError):
            _flush(folder)


def _flush(path: Path | str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
