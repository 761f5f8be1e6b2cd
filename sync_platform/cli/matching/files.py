"""`sync-platform match`: finds listings of the same place in files."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.status import Status
from rich.text import Text

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import Terminal, console, line, styled, write_json
from sync_platform.documents.csv import escaped
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.wording import counted
from sync_platform.errors import StorageError, UsageError
from sync_platform.matching.clusters import Clusters, build_clusters
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.matches import (
    PAIR_SCHEMA,
    cluster_table,
    expected_same,
    matched_pairs,
    review_pairs,
    with_listings,
)
from sync_platform.matching.model import Model, read_model, write_model
from sync_platform.matching.table_files import read_files, require_writable, write_table
from sync_platform.matching.thresholds import Thresholds
from sync_platform.unified.review_queue import QueueSize


@dataclass(frozen=True)
class Outputs:
    """The files for the results; None for a result that is not wanted."""

    pairs: Path
    clusters: Path | None
    review: Path | None
    model: Path | None


@without_garbage_collection()
def match_files(
    files: list[Path],
    outputs: Outputs,
    thresholds: Thresholds,
    model: Path | None,
    *,
    within_sources: bool,
    as_json: bool,
) -> int:
    """Match the listings of files, write the results and a summary; 0. UsageError for input that cannot be used."""
    began = time.perf_counter()
    if not 0 < thresholds.review <= thresholds.match < 1:
        raise UsageError("thresholds lie between 0 and 1, that of review not above that of a match")
    for path in (outputs.pairs, outputs.clusters, outputs.review):
        if path:
            require_writable(path)
    _require_own_files(files, model, outputs)
    given = _given_model(model)
    listings = read_files(files)
    with _Progress(quiet=as_json) as progress:
        linkage = link(listings, given, progress.show, within_sources=within_sources)
        progress.show("gathering clusters")
        clusters = build_clusters(linkage, thresholds)
        pairs, review = matched_pairs(linkage, clusters), review_pairs(linkage, clusters, thresholds)
        queue = QueueSize(review.height, expected_same(review, thresholds))
        table, shown = cluster_table(linkage, clusters), with_listings(review, listings.table)
        if outputs.review and outputs.review.suffix == ".csv":
            shown = _for_spreadsheets(shown)
        progress.show("writing")
        write_table(pairs, outputs.pairs)
        for result, path in ((table, outputs.clusters), (shown, outputs.review)):
            if path:
                write_table(result, path)
        if outputs.model:
            _write(outputs.model, write_model(linkage.model))
    document = _document(linkage, clusters, pairs, queue, linkage.warnings, time.perf_counter() - began)
    if as_json:
        write_json(document)
    else:
        _show(document, outputs, thresholds)
    return OK


def _for_spreadsheets(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the texts of listings escaped (documents/csv.py): a person opens it in a spreadsheet."""
    return table.with_columns(
        pl.Series(name, [text and escaped(text) for text in table[name]], pl.String)
        for name in table.columns
        if name not in PAIR_SCHEMA
    )


def _require_own_files(files: list[Path], model: Path | None, outputs: Outputs) -> None:
    """UsageError where two results have one file, or a result would overwrite what is read."""
    read = {path.resolve() for path in (*files, *([model] if model else []))}
    written: set[Path] = set()
    for path in filter(None, (outputs.pairs, outputs.clusters, outputs.review, outputs.model)):
        if path.resolve() in read:
            raise UsageError(f"{path} is read, and the result would overwrite it: name another file")
        if path.resolve() in written:
            raise UsageError(f"{path} is named for two results: name a file for each")
        written.add(path.resolve())


def _given_model(path: Path | None) -> Model | None:
    if path is None:
        return None
    try:
        return read_model(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def _write(path: Path, body: bytes) -> None:
    try:
        path.write_bytes(body)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from None


class _Progress:
    """The current step on standard error: a spinner in a terminal, lines without one, or nothing."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = Terminal(stderr=True)
        self._status: Status | None = None
        self._shown: AbstractContextManager[Any] = nullcontext()

    def __enter__(self) -> _Progress:
        if not self._quiet and self._console.is_terminal:
            self._status = self._console.status("")
            self._shown = self._status
        self._shown.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._shown.__exit__(*raised)

    def show(self, stage: str) -> None:
        if self._status:
            self._status.update(Text(stage))
        elif not self._quiet:
            self._console.print(stage)


def _document(
    linkage: Linkage,
    clusters: Clusters,
    pairs: pl.DataFrame,
    review: QueueSize,
    warnings: list[str],
    total_s: float,
) -> dict[str, Any]:
    labels = pl.Series("label", clusters.labels)
    sizes = labels.value_counts().select(pl.col("label"), pl.col("count").alias("size"))
    listed = linkage.listings.with_columns(labels).join(sizes, on="label")
    sources = (
        listed.group_by("source")
        .agg(pl.len().alias("listings"), (pl.col("size") > 1).sum().alias("matched"), pl.col("is_duplicate").sum())
        .sort("source")
    )
    joined = sizes.filter(pl.col("size") > 1)
    return {
        "sources": [
            {"source": source, "listings": count, "matched": matched, "second_listings": marked}
            for source, count, matched, marked in sources.iter_rows()
        ],
        "pairs_compared": len(linkage.left),
        "pairs": pairs.height,
        "clusters": sizes.height,
        "clusters_of_several": joined.height,
        "largest_cluster": sizes["size"].max() or 0,
        "review": review.waiting,
        "review_expected_same": round(review.expected_same, 1),
        "warnings": warnings,
        "total_s": round(total_s, 2),
    }


def _show(document: dict[str, Any], outputs: Outputs, thresholds: Thresholds) -> None:
    terminal, counts = console(), ("listings", "matched", "second listings")
    table = FittedTable(("source", *counts), numbers=counts, unbroken=("source",))
    for source in document["sources"]:
        numbers = (source["listings"], source["matched"], source["second_listings"])
        table.add_row(source["source"], *(f"{number:,}" for number in numbers))
    terminal.print_table(table)
    for warning in document["warnings"]:
        terminal.print(line(styled("warning", "yellow"), f": {warning}"), soft_wrap=True)
    terminal.print(
        f"{counted(document['pairs'], 'pair')} of one place (from probability {thresholds.match}, of "
        f"{document['pairs_compared']:,} compared) in {outputs.pairs}",
        soft_wrap=True,
    )
    where = f" in {outputs.clusters}" if outputs.clusters else ""
    terminal.print(
        f"{counted(document['clusters'], 'place')}, {document['clusters_of_several']:,} of them listed more than "
        f"once, at most {document['largest_cluster']} times{where}",
        soft_wrap=True,
    )
    where = f"in {outputs.review}" if outputs.review else "(--review FILE writes them)"
    queue = QueueSize(document["review"], document["review_expected_same"])
    terminal.print(f"{queue.in_words} {where}" if queue.waiting else queue.in_words, soft_wrap=True)
    terminal.print(f"{document['total_s']:.1f} s")
