"""Cells that no spreadsheet takes for a formula, and that a program reads back as they were; texts without traps."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.lineage.page import page_of
from sync_platform.lineage.sheet import Sheet, safe, unsafe
from sync_platform.lineage.telling import Item, Section, Telling, shown
from sync_platform_tests.unified.town import BEGIN

TEXTS = st.text(st.sampled_from("=+-@\t\r\n'\"a,;1＝＋－＠ 茶"), max_size=6) | st.text()


@given(TEXTS)
def test_no_cell_begins_with_what_a_formula_begins_with_and_each_reads_back(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert unsafe(cell) == text


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_a_sheet_reads_back_row_by_row(rows: list[tuple[str, str]]) -> None:
    file = io.StringIO(newline="")
    Sheet(file, ("one", "other")).add({"one": one, "other": other} for one, other in rows)
    file.seek(0)
    read = [(unsafe(row["one"]), unsafe(row["other"])) for row in csv.DictReader(file)]
    assert read == rows


def test_a_harmless_cell_stays_as_it_is() -> None:
    assert [safe(text) for text in ("", "2-4 Java Road", "茶", "[1]")] == ["", "2-4 Java Road", "茶", "[1]"]
    assert safe("=HYPERLINK(0)") == "'=HYPERLINK(0)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\x1b[2Jb\nc", "“a\\x1b[2Jb\\nc”"),
        ("safe\u202egnp", "“safe\\u202egnp”"),
        (["x", "y"], "“x”, “y”"),
        ({"latitude": 22.5}, "latitude 22.5"),
        ([], "nothing"),
        (None, "nothing"),
        (True, "yes"),
        (0, "0"),
    ],
)
def test_a_value_is_shown_on_one_line_with_nothing_that_commands_a_terminal(value: object, words: str) -> None:
    assert shown(value) == words


def test_a_page_runs_no_script_out_of_a_value() -> None:
    item = Item("<script>alert(1)</script>", (1,), (Item('"><img src=x>'),))
    page = page_of(Telling("<b>", ("<i>",), (Section("<u>", (item,)),), (item,)), BEGIN)
    assert not any(tag in page for tag in ("<script", "<img", "<b>", "<i>", "<u>"))
    assert '<a href="#n1">1</a>' in page
