"""Cost per record and peak memory as a platform grows: `python -m benchmarks.scale [ROWS ...]`.

It measures whole processes. The cost per record is processor time, which depends less on the load of the machine than
wall time, minus that of an empty sync (start-up). Memory is the peak of all processes of the command together; shared
pages count once (Linux's PSS).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import ROOT, SYNC, Server, environment_of


def main(sizes: list[int]) -> None:
    console = Console()
    table = Table(
        "records", "first load", "per record", "x", "peak memory", "nothing changed", "per record", "x", "peak"
    )
    base: list[float] = []
    for rows in [0, *sizes]:
        server = Server(rows)
        try:
            with tempfile.TemporaryDirectory() as home:
                first, again = (_measured(server.url, home) for _ in range(2))
        finally:
            server.stop()
        if not rows:
            startup = (first.processor_s + again.processor_s) / 2
            peak = max(first.peak_mib, again.peak_mib)
            console.print(f"an empty sync (start-up): {startup:.1f} s of processor time, {peak} MiB")
            continue
        costs = [(each.processor_s - startup) / rows * 1e6 for each in (first, again)]
        base = base or costs
        row = [f"{rows:,}"]
        for each, cost, smallest in zip((first, again), costs, base, strict=True):
            row += [f"{each.seconds:.1f} s", f"{cost:.0f} µs", f"{cost / smallest:.2f}", f"{each.peak_mib:,} MiB"]
        table.add_row(*row)
        console.print(table)


class Measure(NamedTuple):
    """One sync: wall time, processor time of its processes, and their peak memory."""

    seconds: float
    processor_s: float
    peak_mib: int


def _measured(url: str, home: str) -> Measure:
    began, worked = time.perf_counter(), _worked_s()
    process = subprocess.Popen(
        [*SYNC, "listings"], cwd=ROOT, env=environment_of(url, home), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], sum(map(memory_mib, _tree(process.pid))))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, errors = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(f"{output.decode()}\n{errors.decode()}")
    return Measure(time.perf_counter() - began, _worked_s() - worked, peak[0])


def _worked_s() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(pid: int) -> list[int]:
    children = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (parts := _stat(stat)) and parts[1] == str(pid)
    ]
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _stat(file: Path) -> list[str]:
    try:
        return file.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def memory_mib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main([int(rows) for rows in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
