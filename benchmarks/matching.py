"""Matching at size: `python -m benchmarks.matching [LISTINGS]`, that many listings of each of eight sources.

A whole process of the command line, cold, on the sandbox's city with every place on every platform. Memory is the peak
of what the process holds (Linux's PSS).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import orjson
import polars as pl
from rich.console import Console

from benchmarks.__main__ import ROOT
from benchmarks.scale import _held_mib
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import PLATFORMS, City
from sync_platform_tests.matching.cities import SCHEMA, as_listing, places_of, read_platform, true_pairs
from sync_platform_tests.platforms.replay import to_row

TODAY = date(2026, 11, 24)
SEED = 852


def main(listings: int) -> None:
    console = Console()
    city = City(listings, SEED, TODAY)
    with tempfile.TemporaryDirectory() as folder:
        files, parts = [], []
        for platform in PLATFORMS:
            city.view(platform).share = 1.0  # type: ignore[misc]
            part = read_foodpanda(city) if platform == "foodpanda" else read_platform(platform, city)
            parts.append(part)
            files.append(f"{folder}/{platform}.parquet")
            part.write_parquet(files[-1])
        together = pl.concat(parts)
        console.print(f"{together.height:,} listings of {len(PLATFORMS)} sources")
        command = [sys.executable, "-m", "sync_platform", "match", *files, "--out", f"{folder}/pairs.parquet"]
        seconds, peak, document = measured([*command, "--json"])
        found = pl.read_parquet(f"{folder}/pairs.parquet").filter(pl.col("source_a") != pl.col("source_b"))
    pairs = {((a, b), (c, d)) for a, b, c, d in found.select("source_a", "id_a", "source_b", "id_b").iter_rows()}
    truth = true_pairs(together, places_of(city))
    right = len(pairs & truth)
    console.print(
        f"{seconds:.1f} s, {peak:,} MiB; {document['pairs_compared']:,} pairs compared, {len(pairs):,} found: "
        f"precision {right / len(pairs):.4f}, recall {right / len(truth):.4f}"
    )


def read_foodpanda(city: City) -> pl.DataFrame:
    """Foodpanda's vendors as rendered: a sweep over HTTP would list each many times, and take minutes."""
    view = city.view("foodpanda")
    dataset = load_platforms()["foodpanda"].datasets[0]
    records = (orjson.loads(view._render(at)) for at in range(len(view._shown)))  # type: ignore[attr-defined]
    rows = [to_row(dataset, record | {"distance": None}) for record in records]
    schema = {name: kind for name, kind in SCHEMA.items() if name != "city"}
    return pl.DataFrame([as_listing("foodpanda", row) for row in rows if row], schema=schema)


def measured(command: list[str]) -> tuple[float, int, dict[str, int]]:
    """Seconds of a process, the peak of its memory in MiB, and the JSON that it wrote."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=Path(ROOT), stdout=subprocess.PIPE)
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], _held_mib(process.pid))
            time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    return time.perf_counter() - began, peak[0], orjson.loads(output)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
