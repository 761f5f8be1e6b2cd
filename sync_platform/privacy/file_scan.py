"""A scan of files for byte sequences, as a stream: memory does not grow with the files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileScan:
    """How many files were read, and how many of them have one of the sequences."""

    files: int
    matching: int


def count_files_with(folders: Iterable[Path], wanted: Sequence[bytes]) -> FileScan:
    """Read every file below the folders. A file that disappears meanwhile counts as read."""
    files = matching = 0
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink():
                files += 1
                matching += _has_any(path, wanted)
    return FileScan(files, matching)


def _has_any(path: Path, wanted: Sequence[bytes]) -> bool:
    overlap = max(map(len, wanted), default=1) - 1
    end = b""
    try:
        for block in _blocks(path):
            text = end + block
            if any(each in text for each in wanted):
                return True
            end = text[-overlap:] if overlap else b""
    except FileNotFoundError:
        return False
    return False


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
