"""The files of answers to access requests that this program wrote, in one folder of the home, encrypted.

What belongs here: where they are, and their deletion. What an answer says belongs in the modules of access.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

FOLDER = "access_answers"


def answers_folder(home: Path) -> Path:
    return home / FOLDER


def old_answers(home: Path, before: datetime) -> list[Path]:
    """The answers that were written before that time, in order of their names."""
    folder = answers_folder(home)
    found = sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []
    return [file for file in found if file.stat().st_mtime < before.timestamp()]


def delete_answers(files: Sequence[Path]) -> dict[str, int]:
    """Delete these answers; how many files, and how many bytes."""
    size = 0
    for file in files:
        size += file.stat().st_size
        file.unlink()
    return {"files": len(files), "bytes": size}
