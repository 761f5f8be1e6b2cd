"""Runs the tests on other days: a day, a month and a year from now, and on the next leap day.

A library that is loaded before all others (ahead.c; it needs a C compiler) moves the calendar of every process of the
tests. Statically linked programs keep the real day: among the servers, that is S3.
"""

from __future__ import annotations

import calendar
import os
import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

DAYS_AHEAD = (1, 31, 366)
SOURCE = Path(__file__).with_name("ahead.c")


def days_ahead(today: date) -> list[int]:
    """How far ahead the clocks are set, in days; the last is the next 29 February."""
    leap_days = (date(year, 2, 29) for year in range(today.year, today.year + 9) if calendar.isleap(year))
    return [*DAYS_AHEAD, next((day - today).days for day in leap_days if day > today)]


def main(arguments: list[str]) -> int:
    today = datetime.now(UTC).date()
    failed = []
    with tempfile.TemporaryDirectory(prefix="sync-platform-tests-clock-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user
        library = Path(folder) / "ahead.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
        for days in days_ahead(today):
            print(f"as if on {today + timedelta(days=days)}:", flush=True)
            environment = {**os.environ, "LD_PRELOAD": str(library), "CLOCK_AHEAD_S": str(days * 86_400)}
            command = [sys.executable, "-m", "pytest", *arguments]
            if subprocess.run(command, env=environment).returncode:
                failed.append(str(today + timedelta(days=days)))
    print(f"failed as if on {', '.join(failed)}" if failed else "the tests pass on all of these days")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
