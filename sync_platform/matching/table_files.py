"""Files of listings and of matches: reading and writing CSV and Parquet, with error messages for people.

What belongs here: files. `listing_table` defines the table of listings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import ComputeError, NoDataError, PolarsError

from sync_platform.errors import StorageError, UsageError
from sync_platform.matching.listing_table import ALSO_CALLED, SCHEMA, ListingTable, to_listing_table

SEPARATORS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".parquet")
_HEAD_BYTES = 64 * 1024


def read_files(paths: Sequence[Path]) -> ListingTable:
    """The listings of several files as one table. A file without a column `source` is one source, named after the file.

    UsageError, naming the file, where it cannot be read, has no ids, or has an id twice.
    """
    names = _source_names(paths)
    parts = [_read_file(path, name) for path, name in zip(paths, names, strict=True)]
    together = to_listing_table(pl.concat([part.table for part in parts]))
    return ListingTable(together.table, [warning for part in parts for warning in part.warnings])


def require_writable(path: Path) -> None:
    """UsageError where a table cannot be written to the path; call it before any work is done."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: tables are written to {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise UsageError(f"{path} is a folder")


def write_table(table: pl.DataFrame, path: Path) -> None:
    """Write the table as .csv or .parquet, completely or not at all; StorageError where that fails."""
    require_writable(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        if path.suffix == ".csv":
            table.write_csv(unfinished)
        else:
            table.write_parquet(unfinished)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from None


def _source_names(paths: Sequence[Path]) -> list[str]:
    """The default source name of each file: its stem, with its folder where two stems are equal."""
    stems = [path.stem for path in paths]
    return [path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}/{path.stem}" for path in paths]


def _read_file(path: Path, name: str) -> ListingTable:
    table = _read_table(path)
    table = table.rename({column: column.strip().lstrip("\ufeff") for column in table.columns})
    known = {column.lower() for column in table.columns}
    accepted = ("source_id", *ALSO_CALLED["source_id"])
    if not known.intersection(accepted):
        raise UsageError(f"{path}: no column {' or '.join(accepted)}; it has {', '.join(table.columns) or 'none'}")
    if not known.intersection(
        {*SCHEMA, *(other for others in ALSO_CALLED.values() for other in others)} - {"source", *accepted}
    ):
        raise UsageError(f"{path}: no column to compare by; known are {', '.join(list(SCHEMA)[2:])}")
    if "source" not in known:
        table = table.with_columns(pl.lit(name).alias("source"))
    try:
        found = to_listing_table(table)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    return ListingTable(found.table, [f"{path}: {warning}" for warning in found.warnings])


def _read_table(path: Path) -> pl.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        return pl.read_csv(path, infer_schema=False, separator=_separator(path), encoding="utf8")
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except NoDataError:
        raise UsageError(f"{path} is empty") from None
    except (ComputeError, PolarsError, UnicodeDecodeError) as error:
        kind = "Parquet" if path.suffix == ".parquet" else "CSV in UTF-8"
        raise UsageError(f"{path} is not {kind}: {str(error).splitlines()[0]}") from None


def _separator(path: Path) -> str:
    """The most frequent separator in the first line; the comma where it has none."""
    with path.open("rb") as file:
        line = file.read(_HEAD_BYTES).partition(b"\n")[0].decode("utf-8", "replace")
    return max(SEPARATORS, key=lambda separator: (line.count(separator), -SEPARATORS.index(separator)))
