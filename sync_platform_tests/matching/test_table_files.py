"""Files of listings: which encodings are read, and what a person is warned about."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_europes_spreadsheets_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "listings.csv"
    path.write_bytes("id;name;lat;lng\r\n1;Café Müller – Größe;48,14;11,57\r\n".encode(encoding, "replace"))
    listings = read_files([path])
    assert listings.table["name_en"][0].startswith("Café Müller")
    assert listings.table.select("latitude", "longitude").row(0) == (48.14, 11.57)
    assert f"{path}: it is not UTF-8, and was read as Windows-1252" in listings.warnings


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("gb18030", "老四川火锅城总店重庆小面"),
        ("shift_jis", "鮨さくら本店"),
        ("euc_kr", "김밥천국 서울역점 명동교자 본점"),
    ],
)
def test_other_encodings_are_refused_and_not_read_as_big5(tmp_path: Path, encoding: str, name: str) -> None:
    path = tmp_path / "listings.csv"
    path.write_text(f"id,name\n1,{name}\n", encoding=encoding)
    with pytest.raises(UsageError, match="is neither UTF-8"):
        read_files([path])


def test_json_is_read_in_lines_and_as_an_array(tmp_path: Path) -> None:
    objects = [
        {"business_id": 1, "Restaurant Name": "Kam Wah", "phone": 23456789, "location": {"lat": 22.3, "lng": 114.1}},
        {"business_id": "b2", "Restaurant Name": "Lin Heung", "phone": "+852 2345 6789", "tags": ["tea"]},
    ]
    (tmp_path / "lines.jsonl").write_text("\n\n".join(map(json.dumps, objects)))
    (tmp_path / "array.json").write_text(json.dumps(objects), encoding="utf-8-sig")
    listings = read_files([tmp_path / "lines.jsonl", tmp_path / "array.json"]).table
    assert listings.group_by("source").len().sort("source").rows() == [("array", 2), ("lines", 2)]
    assert listings.select("source_id", "name_en", "phone", "latitude").unique(maintain_order=True).rows() == [
        ("1", "Kam Wah", "23456789", 22.3),
        ("b2", "Lin Heung", "+852 2345 6789", None),
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("odd.jsonl", '{"id": 1, "name": "Foo"}\n{"id": 2,', "line 2 is not JSON"),
        ("odd.jsonl", '["Foo"]', "line 1 is no object"),
        ("odd.json", '{"id": 1, "name": "Foo"}', "is no array of objects"),
        ("none.json", "[]", "no column source_id"),
    ],
)
def test_damaged_json_is_refused_with_the_place(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=message):
        read_files([tmp_path / name])


def test_columns_that_may_be_meant_are_named(tmp_path: Path) -> None:
    (tmp_path / "listings.csv").write_text(
        "id,Address,shop_label_name,mobile,hotel\n1,1 Main St,Foo,5550100,x\n2,2,Bar,,\n"
    )
    name, phone = read_files([tmp_path / "listings.csv"]).warnings
    assert "no names are read" in name and "shop_label_name may be meant" in name
    assert "no telephone numbers are read" in phone and "mobile may be meant" in phone


def test_a_file_without_rows_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "none.csv").write_text("id,name\n")
    assert read_files([tmp_path / "none.csv"]).warnings == [f"{tmp_path / 'none.csv'}: it has no rows"]


def _located(folder: Path, source: str, points: list[tuple[float, float]]) -> Path:
    rows = [f"{number},Foo {number},{north},{east}\n" for number, (north, east) in enumerate(points)]
    (folder / f"{source}.csv").write_text("id,name,lat,lng\n" + "".join(rows))
    return folder / f"{source}.csv"


HONG_KONG, CHICAGO, MUNICH = (
    [(22.3, 114.1), (22.4, 114.2)],
    [(41.9, -87.6), (41.8, -87.7)],
    [(48.1, 11.6), (48.2, 11.5)],
)


@pytest.mark.parametrize(("others", "exchanged"), [([], HONG_KONG), ([CHICAGO], CHICAGO), ([MUNICH, MUNICH], MUNICH)])
def test_exchanged_coordinates_are_put_right(
    tmp_path: Path, others: list[list[tuple[float, float]]], exchanged: list[tuple[float, float]]
) -> None:
    files = [_located(tmp_path, f"right{number}", points) for number, points in enumerate(others)]
    files.append(_located(tmp_path, "wrong", [(east, north) for north, east in exchanged]))
    listings = read_files(files)
    found = listings.table.filter(source="wrong").select("latitude", "longitude").rows()
    assert found == exchanged
    assert [warning for warning in listings.warnings if "wrong" in warning and "exchanged" in warning]


def test_two_sources_in_different_order_are_only_warned_about(tmp_path: Path) -> None:
    turned = [(east, north) for north, east in MUNICH]
    listings = read_files([_located(tmp_path, "one", MUNICH), _located(tmp_path, "two", turned)])
    assert listings.table.filter(source="two").select("latitude", "longitude").rows() == turned
    assert listings.warnings == [
        "one and two have latitude and longitude in different order: exchange the columns of one"
    ]
