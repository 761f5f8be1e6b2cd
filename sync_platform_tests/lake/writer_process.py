"""A process that syncs a growing menu into a lake, over and over: what the fault tests start, and kill.

python -m sync_platform_tests.lake.writer_process FOLDER PLATFORM SYNCS ROWS
"""

from __future__ import annotations

import sys
from pathlib import Path

from sync_platform_tests.lake.lab import Lab, diner


def menu(sync: int, rows: int) -> list[dict[str, object]]:
    """The menu of the n-th sync: every dish renamed, one more than before."""
    return [{"id": number, "name": f"Dish {number} of sync {sync}"} for number in range(rows + sync)]


def main(folder: str, name: str, syncs: int, rows: int) -> None:
    lab = Lab(Path(folder), diner(name))
    for number in range(syncs):
        lab.sync(menu(number, rows), hour=number)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
