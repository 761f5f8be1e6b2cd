"""Whether a disk of the installation is nearly full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync_platform.monitoring.installation_state import Volume
from sync_platform.monitoring.problem import Problem, ProblemName

FREE_SHARE = 0.05
ENOUGH_BYTES = 50e9
"""A disk with so much free space is not nearly full, however large it is."""


def disk_problems(volumes: Sequence[Volume]) -> Iterator[Problem]:
    """One problem per file system."""
    for volume in volumes:
        if volume.free_share < FREE_SHARE and volume.free_bytes < ENOUGH_BYTES:
            yield Problem(
                ProblemName.disk_full,
                str(volume.folder),
                f"The disk of {volume.folder} is nearly full: {volume.free_bytes / 1e9:,.1f} GB "
                f"({volume.free_share:.1%}) are free.",
                "Syncs and backups fail when it is full. What is stored stays intact.",
                "Free some space. `maintain` merges files and deletes those that are not needed.",
                ("maintain", "--dry-run"),
                (str(volume.folder),),
            )
