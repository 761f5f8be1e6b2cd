"""A file system whose machine loses its power: what was not written to the disk itself by then is gone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTES = 192


@dataclass(frozen=True)
class LosableDisk:
    """A file system in the file `image`, mounted at `folder`. The file has only what was written to the disk."""

    folder: Path
    image: Path

    @contextmanager
    def after_loss_of_power(self) -> Iterator[Path]:
        """The file system as it would be after its machine lost its power now, mounted at another folder."""
        lost = self.image.with_name("lost.img")
        subprocess.run(["cp", "--sparse=always", self.image, lost], check=True)
        with _mounted(lost, self.image.with_name("lost")) as folder:
            yield folder
        lost.unlink()


@contextmanager
def losable_disk(parent: Path) -> Iterator[LosableDisk]:
    """A new file system below a folder; the test is skipped where this user may not mount one."""
    image = parent / "disk.img"
    with image.open("wb") as file:
        file.truncate(MEGABYTES << 20)
    # the disk writes nothing by itself before the test ends
    _required(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image)])
    with _mounted(image, parent / "disk", "commit=600") as folder:
        yield LosableDisk(folder, image)


@contextmanager
def _mounted(image: Path, folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir(exist_ok=True)
    _required(["mount", "-o", ",".join(["loop", *options]), str(image), str(folder)])
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # a process that ends now may still be in it


def _required(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"a loss of power NOT TESTED: {error}")
    if done.returncode:
        pytest.skip(f"a loss of power NOT TESTED: {done.stderr.strip()}")
