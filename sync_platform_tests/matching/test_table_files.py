"""Files of listings: which encodings are read, and what a person is warned about."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.matching.table_files import read_files

TEXT = "id,name,name_zh\n1,Lin Heung,蓮香樓\n2,Kam Wah,金華冰廳\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "big5", "big5hkscs"])
def test_every_encoding_of_hong_kongs_spreadsheets_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(TEXT, encoding=encoding)
    listings = read_files([path])
    assert listings.table["name_zh"].to_list() == ["蓮香樓", "金華冰廳"]
    expected = [f"{path}: it is not UTF-8, and was read as Big5"] if encoding.startswith("big5") else []
    assert listings.warnings == expected


def test_a_tab_separates_in_utf_16_as_excel_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(TEXT.replace(",", "\t"), encoding="utf-16")
    assert read_files([path]).table["name_en"].to_list() == ["Lin Heung", "Kam Wah"]


def test_a_repeated_id_and_a_single_row_are_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("id,name\n1,first\n1,second\n1,third\n")
    listings = read_files([path])
    assert listings.table["name_en"].to_list() == ["first"]
    assert listings.warnings == [
        f"{path}: 2 rows repeat the id of a row before, such as 1: left out",
        f"{path}: it has one row only",
    ]
