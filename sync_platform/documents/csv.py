"""CSV files that are safe to open in a spreadsheet.

A cell that a spreadsheet might take for a formula gets an apostrophe before it, as OWASP advises (CSV Injection:
owasp.org/www-community/attacks/CSV_Injection), and so does a cell that begins with an apostrophe. A program that
removes one apostrophe from every cell that begins with one therefore reads exactly what was written.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, TextIO

import orjson

ESCAPE = "'"
DANGEROUS = (*"=+-@\t\r\n", *"＝＋－＠", ESCAPE)
"""The characters with which a formula may begin, in a spreadsheet of any language, and ESCAPE itself."""
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods", ".numbers")
"""The endings of files that only a spreadsheet program reads and writes."""
Cells = dict[str, Any]
"""One row: values by column."""


class CsvWriter:
    """Writes rows to a CSV file (RFC 4180) with a header; every cell is escaped."""

    def __init__(self, file: TextIO, columns: tuple[str, ...]) -> None:
        self._writer = csv.DictWriter(file, columns, restval="")
        self._writer.writeheader()

    def add(self, rows: Iterable[Cells]) -> None:
        self._writer.writerows({name: escaped(value_as_cell(value)) for name, value in row.items()} for row in rows)


def escaped(text: str) -> str:
    """The text with an apostrophe before it, if a spreadsheet might take it for a formula."""
    return ESCAPE + text if text.startswith(DANGEROUS) else text


def value_as_cell(value: Any) -> str:
    """A value as text: strings and numbers unchanged, times in ISO 8601, JSON for lists, objects and booleans."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple | bool):
        return orjson.dumps(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
