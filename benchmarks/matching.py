"""Matching at scale: `python -m benchmarks.matching [LISTINGS]`, with that many listings in each of eight sources.

First it measures a cold process of the command line on the sandbox's city, with every place on every platform. Memory
is the peak of the process (Linux's PSS). Then it adds 200 listings to the others, whose keys and links are in a lake
on disk, and compares that with a full run by the same model in the same warm process.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import orjson
import polars as pl
from rich.console import Console

from benchmarks.__main__ import ROOT
from benchmarks.scale import memory_mib
from sync_platform.matching.clusters import Clusters, build_clusters
from sync_platform.matching.increment import relink
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.linkage_state import LinkageState
from sync_platform.matching.listing_table import SCHEMA
from sync_platform.matching.model import Model, read_model
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.views import view_names
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.matching.cities import as_listing, places_of, read_platform, true_pairs
from sync_platform_tests.platforms.replay import to_row

TODAY = date(2026, 11, 24)
ADDED = 200
SEED = 852


def main(listings: int) -> None:
    console = Console()
    city = City(listings, SEED, TODAY)
    with tempfile.TemporaryDirectory() as folder:
        files, parts = [], []
        for platform in view_names():
            city.view(platform).share = 1.0  # type: ignore[misc]
            part = read_foodpanda(city) if platform == "foodpanda" else read_platform(platform, city)
            parts.append(part)
            files.append(f"{folder}/{platform}.parquet")
            part.write_parquet(files[-1])
        together = pl.concat(parts)
        console.print(f"{together.height:,} listings of {len(view_names())} sources")
        command = [sys.executable, "-m", "sync_platform", "match", *files, "--out", f"{folder}/pairs.parquet"]
        seconds, peak, document = measured([*command, "--save-model", f"{folder}/model.json", "--json"])
        model = read_model(Path(f"{folder}/model.json").read_bytes())
        found = pl.read_parquet(f"{folder}/pairs.parquet").filter(pl.col("source_a") != pl.col("source_b"))
    pairs = {((a, b), (c, d)) for a, b, c, d in found.select("source_a", "id_a", "source_b", "id_b").iter_rows()}
    truth = true_pairs(together, places_of(city))
    right = len(pairs & truth)
    console.print(
        f"{seconds:.1f} s, {peak:,} MiB; {document['pairs_compared']:,} pairs compared, {len(pairs):,} found: "
        f"precision {right / len(pairs):.4f}, recall {right / len(truth):.4f}"
    )
    add_batch(console, together, model)


def add_batch(console: Console, together: pl.DataFrame, model: Model) -> None:
    """Add some listings to the others, then link all with the same model; the clusters must be the same."""
    shuffled = together.sample(fraction=1, shuffle=True, seed=SEED)
    added, others = shuffled[:ADDED], shuffled[ADDED:]
    with tempfile.TemporaryDirectory() as folder, lake_in(Path(folder)) as lake, lake.session() as session:
        state = LinkageState(session, *(f"lake.unified.{name}" for name in ("listings", "match_keys", "match_links")))
        session.execute("CREATE SCHEMA lake.unified")
        session.register("others", others.to_arrow())
        session.execute(f"CREATE TABLE {state.listings} AS FROM others ORDER BY source, source_id")
        state.build(link(others, model))
        with timing() as batch:
            session.register("added", added.to_arrow())
            session.execute(f"INSERT INTO {state.listings} FROM added")
            increment = relink(state, model, added)
            clusters = build_clusters(increment.linkage)
            increment.keep(state)
    with timing() as full:
        linkage = link(together, model)
        rebuilt = build_clusters(linkage)
    of_batch, of_all = sets_of(increment.linkage, clusters), sets_of(linkage, rebuilt)
    console.print(
        f"{ADDED} added: {batch[0]:.1f} s, {batch[1]:.1f} s of processor time; all linked again: {full[0]:.1f} s, "
        f"{full[1]:.1f} s, {full[1] / batch[1]:.0f} times as much; {len(of_batch):,} clusters, "
        f"{len(of_batch - of_all)} of them other than those of the full run"
    )


def lake_in(folder: Path) -> Lake:
    return Lake(LakeAddress(f"sqlite:{folder}/catalog.sqlite", f"{folder}/data", folder / "temp"))


def sets_of(linkage: Linkage, clusters: Clusters) -> set[frozenset[tuple[str, str]]]:
    ids = list(linkage.listings.select("source", "source_id").iter_rows())
    return {frozenset(ids[member] for member in members) for members in clusters.members().values()}


@contextmanager
def timing() -> Iterator[list[float]]:
    """Wall time and processor time of the block in seconds, available after the block."""
    found: list[float] = []
    wall, processor = time.perf_counter(), time.process_time()
    yield found
    found += [time.perf_counter() - wall, time.process_time() - processor]


def read_foodpanda(city: City) -> pl.DataFrame:
    """Foodpanda's vendors as rendered; a crawl over HTTP would list each many times and take minutes."""
    view = city.view("foodpanda")
    dataset = load_platforms()["foodpanda"].datasets[0]
    records = (orjson.loads(view._render(at)) for at in range(len(view._shown)))  # type: ignore[attr-defined]
    rows = [to_row(dataset, record | {"distance": None}) for record in records]
    schema = {name: kind for name, kind in SCHEMA.items() if name != "city"}
    return pl.DataFrame([as_listing("foodpanda", row) for row in rows if row], schema=schema)


def measured(command: list[str]) -> tuple[float, int, dict[str, int]]:
    """Seconds of a process, its peak memory in MiB, and its JSON output."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=Path(ROOT), stdout=subprocess.PIPE)
    peak = [0]

    def watch() -> None:
        while process.poll() is None:
            peak[0] = max(peak[0], memory_mib(process.pid))
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
