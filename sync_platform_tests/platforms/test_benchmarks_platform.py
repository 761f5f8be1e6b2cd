"""The platform of the benchmarks is one that the product can load: otherwise `make bench` ends before it measures."""

from __future__ import annotations

import msgspec
import orjson

from benchmarks.records import pages
from sync_platform.platforms import load_platforms
from sync_platform_tests.tree import ROOT


def test_the_platform_of_the_benchmarks_reads_their_records() -> None:
    (dataset,) = load_platforms(str(ROOT / "benchmarks" / "platform"))["listings"].datasets
    records = orjson.loads(next(pages(3)))["data"]
    rows = [dataset.to_row(msgspec.convert(record, dataset.wire)) for record in records]
    assert [row and row.source_id for row in rows] == [str(record["id"]) for record in records] != []
