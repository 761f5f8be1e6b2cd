"""`make bench`: whole processes in one run, on the same server and data; medians, and ratios to the baseline."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).parent
ROOT = HERE.parent
SYNC = [sys.executable, "-m", "sync_platform", "sync", "--json", "--no-unify"]


class Server:
    """The benchmark's server in its own process."""

    def __init__(self, rows: int) -> None:
        command = [sys.executable, "-m", "benchmarks.server", str(rows)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


def timed(command: list[str], **environment: str) -> float:
    """Wall time of a whole process in seconds; it must succeed."""
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - began


def environment_of(url: str, home: str) -> dict[str, str]:
    """The environment variables for a sync of the benchmark's platform."""
    own = {"SYNC_HOME": f"{home}/sync", "LISTINGS_BASE_URL": url, "PLATFORM_PATH": str(HERE / "platform")}
    return {**os.environ, **own}


def ours(url: str, home: str) -> float:
    return timed([*SYNC, "listings"], **environment_of(url, home))


def baseline(url: str, home: str) -> float:
    return timed([sys.executable, "-m", "benchmarks.baseline", url, home])


def with_dlt(url: str, home: str) -> float:
    return timed([sys.executable, "-m", "benchmarks.with_dlt", url, home])


CONTENDERS = {"baseline": baseline, "sync-platform": ours, "dlt": with_dlt}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--without", action="append", default=[], choices=list(CONTENDERS))
    options = parser.parse_args()
    console = Console()
    console.print(f"{options.rows:,} records of about 1.3 kB, pages of 500; medians of {options.rounds} rounds")
    chosen = {name: run for name, run in CONTENDERS.items() if name not in options.without}
    first: dict[str, list[float]] = {name: [] for name in chosen}
    again: dict[str, list[float]] = {name: [] for name in chosen}
    empty: list[float] = []
    full_server, empty_server = Server(options.rows), Server(0)
    try:
        for _ in track(range(options.rounds), description="rounds", console=console):
            with tempfile.TemporaryDirectory() as home:
                ours(empty_server.url, f"{home}/warm")
                empty.append(ours(empty_server.url, f"{home}/empty"))
                for name, run in chosen.items():
                    first[name].append(run(full_server.url, home))
                    again[name].append(run(full_server.url, home))
    finally:
        full_server.stop()
        empty_server.stop()
    report(console, first, again, empty)
    whole_sync(console)


def report(console: Console, first: dict[str, list[float]], again: dict[str, list[float]], empty: list[float]) -> None:
    """Seconds, and ratios to the baseline with and without our start-up (measured by an empty sync)."""
    startup = statistics.median(empty)
    table = Table("", "first load", "x baseline", "nothing changed", "x baseline")
    for name in first:
        row = [name]
        for times in (first, again):
            seconds, base = statistics.median(times[name]), statistics.median(times["baseline"])
            row += [f"{seconds:.1f} s", f"{seconds / base:.1f}"]
        table.add_row(*row)
    row = ["sync-platform beyond its start-up"]
    for times in (first, again):
        beyond, base = statistics.median(times["sync-platform"]) - startup, statistics.median(times["baseline"])
        row += [f"{beyond:.1f} s", f"{beyond / base:.1f}"]
    table.add_row(*row)
    console.print(table)
    console.print(f"an empty sync (start-up): {startup:.1f} s")


def whole_sync(console: Console) -> None:
    """Time the default sync of all platforms from the sandbox twice."""
    with tempfile.TemporaryDirectory() as home:
        unset = {name: "" for name in os.environ if name.endswith("_BASE_URL")}
        times = [timed(SYNC, SYNC_HOME=home, **unset) for _ in range(2)]
    console.print(f"all eight platforms from the sandbox: first {times[0]:.1f} s, again {times[1]:.1f} s")


if __name__ == "__main__":
    main()
