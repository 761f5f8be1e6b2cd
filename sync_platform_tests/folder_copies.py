"""Copies of files and folders that have databases, made by a process of their own.

A test's process may have the databases open. If it copied their files, it would lose its locks (sqlite_locks.py).
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def copy_by_process(source: Path, target: Path) -> Path:
    """Copy a file, which may be there already, or a folder, which must not, to `target`."""
    if source.is_dir() and target.exists():
        raise FileExistsError(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", source, target], check=True)
    return target


@contextmanager
def copy_to_read(folder: Path) -> Iterator[Path]:
    """A copy of a folder for the block, to read every byte of it."""
    with tempfile.TemporaryDirectory() as temp:
        yield copy_by_process(folder, Path(temp) / folder.name)
