"""Files of listings: which encodings are read, and what a person is warned about."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from sync_platform.errors import UsageError
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


@pytest.mark.parametrize("end", ["\r", "\r\n"])
def test_every_end_of_lines_is_read(tmp_path: Path, end: str) -> None:
    (tmp_path / "listings.csv").write_bytes(TEXT.replace("\n", end).encode())
    assert read_files([tmp_path / "listings.csv"]).table["name_zh"].to_list() == ["蓮香樓", "金華冰廳"]


def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "listings.csv"
    path.write_text("sep=;\n" + TEXT.replace(",", ";"))
    assert read_files([path]).table["name_en"].to_list() == ["Lin Heung", "Kam Wah"]


@pytest.mark.parametrize("ids", [[1, 2, 2], [1.0, 2.0, 2.0], ["1", "2", "2"]])
def test_ids_of_parquet_are_text_or_numbers(tmp_path: Path, ids: list[object]) -> None:
    pl.DataFrame({"id": ids, "name": ["Lin Heung", "Kam Wah", "again"]}).write_parquet(tmp_path / "listings.parquet")
    listings = read_files([tmp_path / "listings.parquet"])
    assert listings.table["name_en"].to_list() == ["Lin Heung", "Kam Wah"]


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("odd.csv", b"id,name\n1,Foo\n2,Bar,x,y\n", "line 3 has 4 fields, and the header has 2: id,name"),
        ("title.csv", b"My restaurants\n\nid,name\n1,Foo\n", "line 3 has 2 fields, and the header has 1: My rest"),
        ("open.csv", b'id,name\n1,"Foo\n', "is not CSV"),
        ("nul.csv", b"id,name\n1,Foo" + b"x" * 99 + b"\0\n", "has the character NUL"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(tmp_path: Path, name: str, body: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(UsageError, match=message):
        read_files([tmp_path / name])


def test_a_column_that_is_no_text_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"id": [b"\xff"], "name": ["Foo"]}).write_parquet(tmp_path / "listings.parquet")
    with pytest.raises(UsageError, match="cannot be read as text"):
        read_files([tmp_path / "listings.parquet"])


def test_a_repeated_id_and_a_single_row_are_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("id,name\n1,first\n1,second\n1,third\n")
    listings = read_files([path])
    assert listings.table["name_en"].to_list() == ["first"]
    assert listings.warnings == [
        f"{path}: 2 rows repeat the id of a row before, such as 1: left out",
        f"{path}: it has one row only",
    ]


@pytest.mark.parametrize("text", ["sep=", "sep=\n"])
def test_a_first_line_that_names_no_separator_is_no_hint(tmp_path: Path, text: str) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match="no column source_id"):
        read_files([path])
