"""`quality` and `quarantine`: the reports on a platform that sends bad records, and the effect of a corrected rule."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.extra_platform import ruled_file, seat, served

HOSTILE = "<script>alert(1)</script>[bold]"
GUEST = "Ada Lovelace"
BEYOND = "seats: 2 of 6 records are in quarantine, 2.0% are tolerated"
GOOD = [seat(number, guest=GUEST) for number in range(5)]


@dataclass
class Restaurant:
    """A home with the further platform, which serves `records`."""

    shell: Shell
    file: Path
    records: list[dict[str, Any]]

    def sync(self, records: list[dict[str, Any]], *arguments: str) -> tuple[int, dict[str, Any]]:
        self.records[:] = records
        return self.shell.sync("tables", *arguments)

    def asked(self, *arguments: str, code: int = 0) -> Any:
        """The JSON document that a command prints."""
        done = self.shell.run(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def mend(self, most_seats: int) -> None:
        self.file.write_text(ruled_file(most_seats))


@pytest.fixture(scope="module")
def restaurant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restaurant]:
    """A home with two syncs: table 1 is valid and later has too many seats; table 9 has too many from the start."""
    folder = tmp_path_factory.mktemp("restaurant")
    file = folder / "extra" / "tables.py"
    file.parent.mkdir()
    records: list[dict[str, Any]] = []
    with served(records) as url:
        environment = {"PLATFORM_PATH": str(file.parent), "TABLES_BASE_URL": url}
        restaurant = Restaurant(Shell(folder / "home", environment), file, records)
        restaurant.mend(most_seats=12)
        code, document = restaurant.sync(GOOD)
        assert (code, document["status"]) == (0, "complete")
        bad = [GOOD[0], {**GOOD[1], "name": "Long table", "seats": 40}, *GOOD[2:4], {**GOOD[4], "area": HOSTILE}]
        code, document = restaurant.sync([*bad, seat(9, seats=15)])
        (platform,) = document["platforms"]
        assert (code, platform["datasets"][0]["quarantined"], platform["reasons"][0]) == (1, 2, BEYOND)
        assert (document["status"], platform["status"], platform["datasets"][0]["status"]) == ("degraded",) * 3
        yield restaurant


class Page(HTMLParser):
    """The words and elements of a page; AssertionError where elements are not nested."""

    VOID = ("meta", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.loads: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.loads += [value or "" for name, value in attributes if name in ("src", "href", "srcset", "data", "action")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.words += text


def test_before_the_first_sync_there_is_nothing_to_report(shell: Shell) -> None:
    outputs = {}
    for arguments in (["quality"], ["quality", "--html"], ["quarantine", "list"], ["quarantine", "retry"]):
        done = shell.run_in_process(*arguments)
        assert (done.returncode, done.stderr) == (0, "")
        outputs[" ".join(arguments)] = done.stdout
    assert "Nothing has been scored yet" in outputs["quality"]
    assert "Nothing has been scored yet" in Page(outputs["quality --html"]).words
    assert "Nothing is in quarantine" in outputs["quarantine list"]
    assert "0 records were in quarantine" in outputs["quarantine retry"]
    assert json.loads(shell.run_in_process("quality", "--json").stdout) == []
    assert not shell.home.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quality", "openrce"], "unknown platform openrce; there are data_gov_hk"),
        (["quarantine", "list", "openrce"], "unknown platform openrce"),
        (["quarantine", "retry", "chope", "guests"], "chope has no dataset 'guests'; it has restaurants, reservations"),
        (["quarantine", "show", "chope", "restaurants", "7"], "no record '7' of chope.restaurants is or was"),
    ],
)
def test_an_unknown_platform_or_record_is_bad_usage(shell: Shell, arguments: list[str], message: str) -> None:
    done = shell.run_in_process(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_scorecard_lists_defects_and_sets_the_exit_code(restaurant: Restaurant) -> None:
    done = restaurant.shell.run("quality")
    assert (done.returncode, done.stderr) == (1, "")
    assert "tables.seats" in done.stdout
    assert "validation should reach 98%: 50.00% (3 of 6)" in done.stdout
    assert f"area is {HOSTILE}" in done.stdout


def test_the_scorecard_has_a_json_document(restaurant: Restaurant) -> None:
    (card,) = restaurant.asked("quality", "tables", code=1)
    assert (card["platform"], card["dataset"]) == ("tables", "seats")
    validation = card["scores"]["validation"]
    assert (validation["score"], validation["numerator"], validation["denominator"]) == (0.5, 3, 6)
    assert (validation["threshold"], validation["passes"], validation["interval"]) == (0.98, False, None)
    accuracy = card["scores"]["accuracy"]
    assert (accuracy["score"], accuracy["passes"], accuracy["confidence"]) == (None, True, 0)
    overall = card["scores"]["overall"]
    assert overall["confidence"] < 1
    assert card["trend"] == [{"partition": card["partition"], "score": overall["score"]}]
    assert {each["measure"] for each in card["measures"]} >= {"records", "cells", "filled:name", "minimum", "coverage"}
    assert any(finding.startswith("validation should reach 98%") for finding in card["findings"])


def test_the_scorecard_page_loads_nothing_and_escapes_every_value(restaurant: Restaurant) -> None:
    done = restaurant.shell.run("quality", "--html")
    assert done.returncode == 1
    page = Page(done.stdout)
    assert page.elements.count("html") == page.elements.count("h1") == 1
    assert page.loads == []
    assert "url(" not in page.words and "@import" not in page.words
    assert "@media print" in page.words
    assert "script" not in page.elements
    assert f"area is {HOSTILE}" in page.words
    assert "50.0%" in page.words


def test_the_quarantine_is_listed_for_people_and_for_scripts(restaurant: Restaurant) -> None:
    done = restaurant.shell.run("quarantine", "list")
    assert done.returncode == 0
    assert "tables.seats" in done.stdout and "seats is 40, not from 1 to 12" in done.stdout
    assert "2 records" in done.stdout
    entries = restaurant.asked("quarantine", "list", "tables", "seats")
    assert [(entry["source_id"], entry["landing_line"], entry["problems"]) for entry in entries] == [
        ("1", 2, ["seats is 40, not from 1 to 12"]),
        ("9", 6, ["seats is 15, not from 1 to 12"]),
    ]
    assert all(entry["settled_at"] is None for entry in entries)
    assert restaurant.asked("quarantine", "list", "chope") == []


def test_a_landed_record_is_shown_by_id_or_landing_line_with_personal_fields_sealed(
    restaurant: Restaurant,
) -> None:
    output = restaurant.asked("quarantine", "show", "tables", "seats", "1")
    assert (output["record"]["table"], output["record"]["seats"]) == (1, 40)
    assert output["record"]["guest"].startswith("sealed:v1:")
    (entry,) = output["entries"]
    place = f"{entry['landing_object']}:{entry['landing_line']}"
    assert restaurant.asked("quarantine", "show", "tables", "seats", place) == output
    done = restaurant.shell.run("quarantine", "show", "tables", "seats", place)
    assert done.returncode == 0
    for words in ("open", "seats: seats is 40, not from 1 to 12 (rule: from 1 to 12)", place, '"sealed:v1:'):
        assert words in done.stdout
    assert GUEST not in done.stdout


def test_a_retry_stores_what_the_corrected_rule_allows_also_after_later_syncs(restaurant: Restaurant) -> None:
    table = "SELECT source_id, name, seats, stale_since IS NOT NULL AS stale FROM tables.seats ORDER BY 1"
    rows = restaurant.shell.query(table)
    assert [row["source_id"] for row in rows if row["stale"]] == ["1"]
    assert rows[1] == {"source_id": "1", "name": "Table 1", "seats": 4, "stale": True}

    done = restaurant.asked("quarantine", "retry", "tables", code=1)
    assert (done["before"], done["after"], done["errors"]) == (2, 2, [f"tables.{BEYOND}"])
    assert [entry["source_id"] for entry in done["open"]] == ["1", "9"]
    assert restaurant.shell.query(table) == rows

    code, _ = restaurant.sync([{**GOOD[0], "name": "Window"}], "--mode", "incremental")
    assert code == 0
    restaurant.mend(most_seats=40)
    done = restaurant.shell.run("quarantine", "retry")
    assert done.returncode == 0, done.stderr
    assert "2 records were in quarantine, 0 are now" in done.stdout
    assert [tuple(row.values()) for row in restaurant.shell.query(table)] == [
        ("0", "Window", 4, False),
        ("1", "Long table", 40, False),
        *((str(number), f"Table {number}", 4, False) for number in (2, 3, 4)),
        ("9", "Table 9", 15, False),
    ]
    from_where_they_were_landed = """SELECT DISTINCT entity_id, operation, landing_line
        FROM lineage.changes JOIN quality.quarantine USING (landing_object, landing_line) ORDER BY 1"""
    assert [tuple(row.values()) for row in restaurant.shell.query(from_where_they_were_landed)] == [
        ("1", "update", 2),
        ("9", "insert", 6),
    ]
    settled = [entry["settled_how"] for entry in restaurant.asked("quarantine", "list", "--all")]
    assert sorted(settled) == ["seen again"] * 2 + ["stored"] * 2
    assert restaurant.shell.run("quality").returncode == 0, "every measured score now reaches its threshold"
