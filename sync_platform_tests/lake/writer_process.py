"""A process that repeatedly syncs a growing menu into a lake. The fault tests start and kill it.

python -m sync_platform_tests.lake.writer_process FOLDER PLATFORM SYNCS ROWS
"""

from __future__ import annotations

import sys
from pathlib import Path

from sync_platform_tests.lake.harness import LakeHarness, diner


def menu(sync: int, rows: int) -> list[dict[str, object]]:
    """The menu of the n-th sync: every dish has a new name, and there is one more dish."""
    return [{"id": number, "name": f"Dish {number} of sync {sync}"} for number in range(rows + sync)]


def main(folder: str, name: str, syncs: int, rows: int) -> None:
    harness = LakeHarness(Path(folder), diner(name))
    for number in range(syncs):
        harness.sync(menu(number, rows), hour=number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
