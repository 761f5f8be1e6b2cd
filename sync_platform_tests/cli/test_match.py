"""`match`: files in, files out, and the messages about files that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from sync_platform_tests.cli.conftest import Shell

FIRST = """id,name,addr,city,phone,type
1,mario's trattoria,12 w. 9th st.,new york,212/555-0171,italian
2,blue door cafe,800 n. main ave.,austin,512/555-0133,american
3,harbor grill,1 pier rd.,boston,617/555-0199,seafood
"""
SECOND = """id;name;addr;city;phone;type
a;Trattoria Mario;12 W 9th Street;new york city;212-555-0171;Italian
b;The Blue Door;800 N. Main Avenue;austin;512-555-0133;American (New)
c;Harbor Grill;77 ocean dr.;miami;305-555-0142;seafood
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for name, text in (("first.csv", FIRST), ("second.csv", SECOND)):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
    return [str(tmp_path / "first.csv"), str(tmp_path / "second.csv")]


def test_files_are_matched_and_the_results_written(shell: Shell, files: list[str], tmp_path: Path) -> None:
    pairs, clusters, review, model = (str(tmp_path / name) for name in ("p.csv", "c.parquet", "r.csv", "m.json"))
    options = ["--clusters", clusters, "--review", review, "--save-model", model]
    done = shell.run("match", *files, "--out", pairs, *options)
    assert done.returncode == 0, done.stderr
    assert "2 pairs of one place" in done.stdout
    assert "4 places, 2 of them listed more than once" in done.stdout
    assert "reading 6 listings" in done.stderr
    matches = pl.read_csv(pairs, infer_schema=False)
    assert matches.columns == ["source_a", "id_a", "source_b", "id_b", "probability", "evidence"]
    assert matches.select("source_a", "id_a", "source_b", "id_b").rows() == [
        ("first", "1", "second", "a"),
        ("first", "2", "second", "b"),
    ]
    assert json.loads(matches["evidence"][0])["phone"]["level"] == "same"
    assert pl.read_parquet(clusters).height == 6
    again = shell.run("match", *files, "--out", str(tmp_path / "again.csv"), "--model", model, "--json")
    assert json.loads(again.stdout)["pairs"] == 2
    assert (tmp_path / "again.csv").read_text() == Path(pairs).read_text()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_person_who_reviews_sees_both_listings(shell: Shell, files: list[str], tmp_path: Path) -> None:
    review, table = tmp_path / "review.csv", tmp_path / "review.parquet"
    odd = Path(files[1])
    odd.write_text(odd.read_text(encoding="utf-8-sig").replace("c;Harbor Grill", "c;=Harbor Grill"))
    for out in (review, table):
        done = shell.run(
            "match", *files, "--out", str(tmp_path / "p.csv"), "--review", str(out), "--review-from", "1e-9"
        )
        assert done.returncode == 0, done.stderr
    pairs = pl.read_csv(review, infer_schema=False)
    assert pairs.columns[:8] == [
        *("source_a", "id_a", "source_b", "id_b", "probability", "evidence"),
        *("name_en_a", "name_en_b"),
    ]
    (pair,) = pairs.filter(pl.col("id_a") == "3", pl.col("id_b") == "c").to_dicts()
    assert (pair["name_en_a"], pair["name_en_b"]) == ("harbor grill", "'=Harbor Grill")
    assert (pair["address_en_a"], pair["address_en_b"]) == ("1 pier rd.", "77 ocean dr.")
    assert (pair["phone_a"], pair["phone_b"]) == ("617/555-0199", "305-555-0142")
    assert "=Harbor Grill" in pl.read_parquet(table)["name_en_b"].to_list()


@pytest.mark.parametrize(
    ("name", "body", "message"),
    [
        ("nowhere.csv", None, "nowhere.csv: there is no such file"),
        ("empty.csv", b"", "empty.csv is empty"),
        (
            "noid.csv",
            b"name,phone\nx,1\n",
            "noid.csv: no column source_id, id, place_id, business_id, restaurant_id or listing_id; it has",
        ),
        ("bare.csv", b"id,colour\n1,red\n", "bare.csv: no column to compare by"),
        ("blank.csv", b"id,name\n,x\n,y\n", "blank.csv: 2 listings have no source_id"),
        ("odd.csv", b"id,name\n1,\xff\xff\n", "odd.csv is neither UTF-8, UTF-16, Big5 nor Windows-1252: convert it"),
        (
            "book.xlsx",
            b"PK",
            "book.xlsx is a spreadsheet: .csv (UTF-8, UTF-16, Big5 or Windows-1252), .json,",
        ),
        ("not.parquet", b"id,name\n", "not.parquet is not Parquet"),
    ],
)
def test_an_unusable_file_is_named_with_the_reason(
    shell: Shell, files: list[str], tmp_path: Path, name: str, body: bytes | None, message: str
) -> None:
    if body is not None:
        (tmp_path / name).write_bytes(body)
    done = shell.run("match", files[0], str(tmp_path / name), "--out", str(tmp_path / "p.csv"))
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "p.xlsx"], "tables are written to .csv or .parquet"),
        (["--out", "nowhere/p.csv"], "there is no folder nowhere"),
        (["--out", "p.csv", "--threshold", "1.5"], "thresholds lie between 0 and 1"),
        (["--out", "p.csv", "--model", "nowhere.json"], "nowhere.json cannot be read"),
    ],
)
def test_invalid_options_are_refused_before_any_work(
    shell: Shell, files: list[str], options: list[str], message: str
) -> None:
    done = shell.run("match", *files, *options)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_result_overwrites_no_file_that_is_read_and_no_other_result(
    shell: Shell, files: list[str], tmp_path: Path
) -> None:
    (tmp_path / "link.csv").symlink_to(files[1])
    for options, message in (
        (["--out", files[0]], "first.csv is read, and the result would overwrite it"),
        (["--out", str(tmp_path / "link.csv")], "link.csv is read, and the result would overwrite it"),
        (["--out", "p.csv", "--review", "./p.csv"], "p.csv is named for two results"),
    ):
        done = shell.run_in_process("match", *files, *options)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert Path(files[0]).read_text(encoding="utf-8-sig") == FIRST


def test_impossible_coordinates_are_left_out_and_counted(shell: Shell, files: list[str], tmp_path: Path) -> None:
    (tmp_path / "far.csv").write_text("id,name,lat,lng\n1,mario's trattoria,122,500\n")
    done = shell.run("match", files[1], str(tmp_path / "far.csv"), "--out", str(tmp_path / "p.csv"))
    assert done.returncode == 0
    assert "1 listings have coordinates out of range" in done.stdout
