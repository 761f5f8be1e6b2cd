"""Files of listings and of matches: reading CSV, JSON and Parquet, and writing CSV and Parquet, with error messages for
people.

What belongs here: files. `listing_table` defines the table of listings.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.exceptions import ComputeError, NoDataError, PolarsError

from sync_platform.documents.csv import SPREADSHEETS
from sync_platform.errors import StorageError, UsageError
from sync_platform.matching.coordinate_order import in_one_order
from sync_platform.matching.json_files import ARRAY, LINES, flat, read_json
from sync_platform.matching.listing_table import (
    ALSO_CALLED,
    SCHEMA,
    ListingTable,
    concatenated,
    has_column,
    plain_name,
    to_listing_table,
    unread_columns,
)
from sync_platform.matching.text_encoding import HEAD_BYTES, NAMES, UTF_8, encoding_of

SEPARATORS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".parquet")
READ = ".csv (UTF-8, UTF-16, Big5 or Windows-1252), .json, .jsonl and .parquet"
_KINDS = {".parquet": "Parquet", ARRAY: "JSON", **dict.fromkeys(LINES, "JSON")}
_LOOKED_FOR = (
    ("names", ("name_en", "name_zh"), re.compile("name|名")),
    ("addresses", ("address_en", "address_zh"), re.compile("addr|adres|street|地址|住所")),
    ("telephone numbers", ("phone",), re.compile("phone|(^|_)tel|mobile|電話|电话")),
    ("coordinates", ("latitude", "longitude"), re.compile("(^|_)(lat|lng|lon|coord|geo)")),
)
"""What is compared, the columns that have it, and how other columns are named that may have it."""
SEPARATOR_HINT = "sep="
"""The first line of a file that Excel reads with the separator after it."""


def read_files(paths: Sequence[Path]) -> ListingTable:
    """The listings of several files as one table. A file without a column `source` is one source, named after the file.

    UsageError, naming the file, where it cannot be read, has no ids, or has an id twice.
    """
    names = _source_names(paths)
    return in_one_order(concatenated([_read_file(path, name) for path, name in zip(paths, names, strict=True)]))


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
    target = path.resolve()  # a link stays a link
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        if path.suffix == ".csv":
            table.write_csv(unfinished)
        else:
            table.write_parquet(unfinished)
        unfinished.replace(target)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from None


def _source_names(paths: Sequence[Path]) -> list[str]:
    """The default source name of each file: its stem, with its folder where two stems are equal."""
    stems = [path.stem for path in paths]
    return [path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}/{path.stem}" for path in paths]


def _read_file(path: Path, name: str) -> ListingTable:
    table, warnings = _read_table(path)
    table = table.rename({column: column.strip().lstrip("\ufeff") for column in table.columns})
    known = set(map(plain_name, table.columns))
    accepted = ("source_id", *ALSO_CALLED["source_id"])
    if not known.intersection(accepted):
        names = f"{', '.join(accepted[:-1])} or {accepted[-1]}"
        raise UsageError(f"{path}: no column {names}; it has {', '.join(table.columns) or 'none'}")
    if not known.intersection(
        {*SCHEMA, *(other for others in ALSO_CALLED.values() for other in others)} - {"source", *accepted}
    ):
        raise UsageError(f"{path}: no column to compare by; known are {', '.join(list(SCHEMA)[2:])}")
    if "source" not in known:
        table = table.with_columns(pl.lit(name).alias("source"))
    try:
        unique = _without_repeats(table, accepted, warnings)
        found = to_listing_table(unique)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    except PolarsError as error:
        raise UsageError(f"{path}: a column cannot be read as text: {str(error).splitlines()[0]}") from None
    if found.table.height <= 1:
        warnings.append("it has one row only" if found.table.height else "it has no rows")
    warnings += _unread(table)
    return ListingTable(found.table, [f"{path}: {warning}" for warning in (*warnings, *found.warnings)])


def _unread(table: pl.DataFrame) -> list[str]:
    """A warning about columns that may have what is compared, but have no known name."""
    unread = unread_columns(table)
    warnings = []
    for what, names, hint in _LOOKED_FOR:
        alike = [column for column in unread if hint.search(plain_name(column))]
        if alike and not has_column(table, names):
            listed = "none of its columns has a name that is known for them"
            warnings.append(f"no {what} are read, because {listed} (docs/matching.md); {', '.join(alike)} may be meant")
    return warnings


def _without_repeats(table: pl.DataFrame, names: Sequence[str], warnings: list[str]) -> pl.DataFrame:
    """The rows without those that repeat the source and the id of a row before them; a warning counts these. Rows
    without an id repeat nothing."""
    columns = {plain_name(column): column for column in table.columns}
    key = [columns["source"], next(columns[name] for name in names if name in columns)]
    has_no_id = table[key[1]].is_null()
    if table.schema[key[1]] == pl.String:
        has_no_id |= table[key[1]] == ""
    is_first = pl.struct(key).is_first_distinct() | has_no_id
    repeats = table.filter(~is_first)
    if repeats.height:
        rows = "1 row repeats" if repeats.height == 1 else f"{repeats.height:,} rows repeat"
        warnings.append(f"{rows} the id of a row before, such as {repeats[key[1]][0]}: left out")
    return table.filter(is_first)


def _read_table(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """The table of a file, and warnings about how it was read."""
    if path.suffix.lower() in SPREADSHEETS:
        raise UsageError(
            f"{path} is a spreadsheet: {READ} are read; save it as CSV UTF-8 (in Excel: File, Save As, CSV UTF-8)"
        )
    try:
        if path.suffix == ".parquet":
            return flat(pl.read_parquet(path)), []
        if path.suffix in (*LINES, ARRAY):
            return read_json(path), []
        return _read_csv(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except NoDataError:
        raise UsageError(f"{path} is empty") from None
    except (ComputeError, PolarsError, UnicodeDecodeError) as error:
        kind = _KINDS.get(path.suffix, "CSV")
        raise UsageError(f"{path} is not {kind}: {str(error).splitlines()[0]}") from None


def _read_csv(path: Path) -> tuple[pl.DataFrame, list[str]]:
    encoding = encoding_of(path)
    with path.open(encoding=encoding) as file:
        first = file.readline(HEAD_BYTES)
    is_hint = first.lower().startswith(SEPARATOR_HINT) and len(first.rstrip("\r\n")) > len(SEPARATOR_HINT)
    separator = first[len(SEPARATOR_HINT)] if is_hint else _separator(first)
    source: Path | io.BytesIO = path
    if encoding != UTF_8 or _ends_lines_by_cr(path):
        source = io.BytesIO(path.read_text(encoding).encode())
    try:
        table = pl.read_csv(
            source, infer_schema=False, separator=separator, encoding="utf8", skip_rows=1 if is_hint else 0
        )
    except ComputeError as error:
        raise UsageError(f"{path} is not CSV: {_too_many_fields(path, encoding, separator) or error}") from None
    return table, [f"it is not UTF-8, and was read as {NAMES[encoding]}"] if encoding in NAMES else []


def _ends_lines_by_cr(path: Path) -> bool:
    """True for a text whose lines end as on an early Macintosh; read as text, they end by a line feed."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return b"\r" in head and b"\n" not in head


def _too_many_fields(path: Path, encoding: str, separator: str) -> str | None:
    """The first line with more fields than the header, in words; None where there is none."""
    with path.open(encoding=encoding, newline="") as file:
        rows = csv.reader(file, delimiter=separator)
        header = next(rows, [])
        try:
            longer = next((row for row in rows if len(row) > len(header)), None)
        except csv.Error:
            return None
        fields = f"the header has {len(header)}: {separator.join(header)[:80]}"
        return f"line {rows.line_num} has {len(longer)} fields, and {fields}" if longer else None


def _separator(line: str) -> str:
    """The most frequent separator in the first line; the comma where it has none."""
    return max(SEPARATORS, key=lambda separator: (line.count(separator), -SEPARATORS.index(separator)))
