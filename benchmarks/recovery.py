"""Restores of a large lake: `python -m benchmarks.recovery [ROWS]`, by default 1,000,000 records.

It measures whole processes: a restore into a fresh home, and the dry run of a restore into the lake in use.
"""

from __future__ import annotations

import sys
import tempfile

from rich.console import Console

from benchmarks.__main__ import SYNC, Server, environment_of, timed

BACKUP = [sys.executable, "-m", "sync_platform", "backup"]
LIMITS_S = {"a restore into a fresh home": 60, "a dry run into the lake in use": 10}
"""For 1,000,000 records on two cores."""


def main(rows: int) -> None:
    console, server = Console(), Server(rows)
    with tempfile.TemporaryDirectory() as home:
        environment = environment_of(server.url, home)
        try:
            timed([*SYNC, "listings"], **environment)
        finally:
            server.stop()
        created_s = timed([*BACKUP, "create", "--type", "full"], **environment)
        console.print(f"{rows:,} records: a full backup takes {created_s:.1f} s")
        runs = (
            ["restore", "--target", f"{home}/fresh"],
            ["restore", "--target", "development", "--conflict", "overwrite", "--dry-run"],
        )
        for (what, limit_s), run in zip(LIMITS_S.items(), runs, strict=True):
            took_s = timed([*BACKUP, *run], **environment)
            console.print(f"{what} takes {took_s:.1f} s (at most {limit_s} s for 1,000,000 records)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
