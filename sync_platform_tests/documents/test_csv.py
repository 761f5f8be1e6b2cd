"""A spreadsheet reads no cell as a formula, and a program reads every cell back as it was written."""

from __future__ import annotations

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from sync_platform.documents.csv import CsvWriter, escaped

TEXTS = st.text(st.sampled_from("=+-@\t\r\n'\"a,;1＝＋－＠ 茶"), max_size=6) | st.text()


@given(TEXTS)
def test_no_cell_begins_like_a_formula_and_each_reads_back(text: str) -> None:
    cell = escaped(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert unescaped(cell) == text


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_a_file_reads_back_row_by_row(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    CsvWriter(file, ("one", "other")).add({"one": one, "other": other} for one, other in rows)
    file.seek(0)
    read = [(unescaped(row["one"]), unescaped(row["other"])) for row in csv.DictReader(file)]
    assert read == rows


def test_a_harmless_cell_stays_as_it_is() -> None:
    assert [escaped(text) for text in ("", "2-4 Java Road", "茶", "[1]")] == ["", "2-4 Java Road", "茶", "[1]"]
    assert escaped("=HYPERLINK(0)") == "'=HYPERLINK(0)"


def unescaped(cell: str) -> str:
    """The original text of a cell, as a program reads it (documents/csv.py)."""
    return cell.removeprefix("'")
