"""The ground truth, written to a file: which listing of which platform is which place.

The server never sends it, because a test of a matcher that can read it proves nothing.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from sync_platform.sandbox.city import City
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.views import view_names

COLUMNS = ("place_id", "platform", "source_id", "valid_from", "valid_to", "duplicate_of")


def truth_rows(city: City) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Rows of COLUMNS, days as ISO text; `valid_to` is empty while the place is listed."""
    for platform in view_names():
        for listing in city.view(platform).truth():
            until = listing.until.isoformat() if listing.until <= city.today else ""
            since = listing.since.isoformat()
            yield listing.place.place_id, platform, listing.source_id, since, until, listing.duplicate_of


def write_ground_truth(city: City, path: Path) -> int:
    """Writes `.csv` or `.parquet` (which needs pyarrow) and returns the number of rows; SandboxError otherwise."""
    rows = list(truth_rows(city))
    try:
        if path.suffix == ".csv":
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(rows)
        elif path.suffix == ".parquet":
            _write_parquet(rows, path)
        else:
            raise SandboxError(f"{path}: the ground truth is written to .csv or .parquet")
    except OSError as error:
        raise SandboxError(f"cannot write {path}: {error.strerror}") from None
    return len(rows)


def _write_parquet(rows: list[tuple[str, str, str, str, str, str]], path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise SandboxError(f"{path}: writing Parquet needs pyarrow; name a .csv file instead") from None
    columns = {name: [row[index] or None for row in rows] for index, name in enumerate(COLUMNS)}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
