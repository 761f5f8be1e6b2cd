"""A table fits every width: columns are left out or wrapped, ids are whole, and nothing is lost in blocks of lines."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from sync_platform.documents.fitted_table import FittedTable

RUN = "d05f0050-a0ba-4983-b339-e3e354a781d4"
PLACE = "openrice/restaurants/2026-11/20261128T110313.142242Z-8dafc3/part-00001.jsonl.zst:12"


def drawn(table: FittedTable, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    for part in table.parts(width):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def runs() -> FittedTable:
    table = FittedTable(
        ("run", "records", "what happened", "place"), numbers=("records",), optional=("place", "records")
    )
    table.add_row(RUN, "1,234", "茶餐廳 and a text of many words " * 3, PLACE)
    return table


@pytest.mark.parametrize(
    ("width", "left_out"), [(200, []), (120, ["place"]), (80, ["place"]), (70, ["place", "records"])]
)
def test_the_least_important_columns_are_left_out_first(width: int, left_out: list[str]) -> None:
    lines = drawn(runs(), width)
    assert max(map(cell_len, lines)) <= width
    assert any(RUN in line for line in lines)
    header = lines[1]
    assert [name for name in ("place", "records") if name not in header] == left_out
    note = f"Left out at {width} columns: {', '.join(left_out)}; --json has all"
    assert (lines[-1] == note) == bool(left_out)


@pytest.mark.parametrize("width", [60, 40, 20])
def test_where_no_table_fits_every_row_is_a_block_with_all_columns(width: int) -> None:
    lines = drawn(runs(), width)
    assert lines[0].startswith("-- 1 of 1 ")
    assert any(line.endswith(RUN) for line in lines), "an id is one line, also where it is too long"
    assert any(line.endswith(PLACE) for line in lines)
    assert [line.split()[0] for line in lines if line[:1].isalpha()] == ["run", "records", "what", "place"]


def test_a_column_of_single_words_is_never_broken() -> None:
    table = FittedTable(("id", "text"))
    table.add_row("x" * 50, "word " * 20)
    assert any("x" * 50 in line for line in drawn(table, 80))


def test_a_text_is_broken_at_blanks_and_at_chinese_characters() -> None:
    table = FittedTable(("id", "text"))
    table.add_row("1", "九龍尖沙咀加連威老道九十六號海好商場八樓八百二十一號舖")
    lines = drawn(table, 40)
    assert max(map(cell_len, lines)) <= 40
    assert lines[0].startswith("┏")
