"""No character of a source breaks a commit: as an id, as a text, in a list, as a name or a value in JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest

from sync_platform.lake.compaction import compact_table, list_tables
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner


class Stall(Row):
    """A record as stored."""

    name: Annotated[str | None, column("Name")] = None
    tags: Annotated[list[str], column("Tags")] = []


STALLS = Dataset("stalls", "Stalls of a market.", Stall, key=("id",))
ODD = {
    "quotes": "a'b''c\"d",
    "a backslash": "a\\'b\\",
    "an end of a statement": "a';--",
    "line separators": "a\u2028b\u2029c\r\nd",
    "control characters": "a" + "".join(map(chr, range(1, 32))) + "\x7f\x85b",
    "no characters": "a\uffff\ufffe\U0010ffffb",
    "a byte order mark": "\ufeffa",
    "a letter in two parts": "cafe\u0301",
    "a parameter": "$1 $id ? %s {}",
    "an escape": "a\\u0000b",
}
STORED = {**ODD, "the most characters": "茶" * 85}
QUARANTINED = {
    "NUL": "a\0b",
    "NUL first": "\0a",
    "NUL last": "a\0",
    "a replaced character": "a\ufffd",
    "a megabyte": "x" * 1_000_000,
    "a blank": " \t",
}


@pytest.fixture
def market(tmp_path: Path) -> Any:
    harness = LakeHarness(tmp_path, diner("market", dataset=STALLS))
    yield harness
    harness.lake.close()


def test_an_id_of_any_characters_is_stored_changed_retired_restored_and_replayed(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    market = LakeHarness(tmp_path, diner("market", dataset=STALLS))
    first = [{"id": odd, "name": odd, "tags": [odd]} for odd in STORED.values()]
    others = [{"id": f"usual {number}"} for number in range(len(first) + 1)]
    market.sync([*first, *others], hour=0)
    assert market.table("name = source_id AND tags = [source_id]").count((True,)) == len(first)
    changed = [{**record, "name": f"{record['name']}!"} for record in first]
    assert market.sync([*changed, *others], hour=2).record.updated == len(first)
    assert market.sync(others, hour=3).record.removed == len(first)
    assert market.sync([*changed, *others], hour=4).record.restored == len(first)
    late = [{**record, "name": "late"} for record in first]
    assert market.sync([*late, *others], hour=1).record.updated == len(first)
    assert not market.replay_differs()
    with market.lake.session() as session:
        tables = [table for table in list_tables(session) if str(table) in ("market.stalls", HISTORY)]
    assert len([compact_table(market.lake, table, "run-c") for table in tables]) == 2
    assert market.sync([*changed, *others], hour=5).record.updated == 0
    assert market.table() == sorted(
        [(record["id"], record["name"]) for record in changed] + [(other["id"], None) for other in others]
    )
    market.lake.close()


def test_white_space_around_an_id_makes_no_other_row(market: LakeHarness) -> None:
    market.sync([{"id": "a", "name": "one"}, {"id": "b"}], hour=0)
    record = market.sync([{"id": " a\n", "name": "one"}, {"id": "b\u3000"}], hour=1).record
    assert (record.inserted, record.updated, record.removed) == (0, 0, 0)
    record = market.sync([{"id": "a ", "name": "two"}, {"id": "b"}], hour=2).record
    assert (record.inserted, record.updated, record.removed) == (0, 1, 0)
    assert market.table() == [("a", "two"), ("b", None)]
    # two records that differ in nothing but this white space contradict each other, and neither is chosen
    record = market.sync([{"id": "a", "name": "three"}, {"id": "a ", "name": "four"}, {"id": "b"}], hour=3).record
    assert (record.quarantined, record.inserted, record.removed) == (2, 0, 0)
    assert market.table() == [("a", "two"), ("b", None)]


def test_a_record_whose_id_cannot_be_stored_is_quarantined_and_its_neighbours_are_stored(market: LakeHarness) -> None:
    odd = [{"id": each} for each in QUARANTINED.values()]
    market.sync([*odd, {"id": "b"}, {"id": "c"}], hour=0)
    record = market.sync([*odd, {"id": "b", "name": "new"}], hour=1).record
    assert (record.quarantined, record.updated) == (len(odd), 1)
    assert record.removed == 0  # such a record could be any row
    assert market.table() == [("b", "new"), ("c", None)]
    problems = [each for (each,) in market.ask("SELECT problems[1] FROM quality.quarantine")]
    assert len(problems) == 2 * len(odd)
    assert all("the record's id" in each and len(each) < 200 and "\0" not in each for each in problems)
    assert market.sync([{"id": "b", "name": "new"}], hour=2).record.removed == 1


def test_a_record_with_a_text_of_megabytes_is_quarantined_and_its_neighbours_are_stored(market: LakeHarness) -> None:
    """Stored, it needs more memory than the lake is given, and the sync fails as a whole."""
    market.sync([{"id": "a", "name": "Tea"}, {"id": "b"}], hour=0)
    large = [{"id": "a", "name": "茶" * 10_000_000}, {"id": "c", "tags": ["x" * 1_500_000] * 20}]
    record = market.sync([*large, {"id": "b", "name": "new"}], hour=1).record
    assert (record.quarantined, record.updated, record.removed) == (2, 1, 0)
    assert market.table() == [("a", "Tea"), ("b", "new")]
    problems = sorted(each for (each,) in market.ask("SELECT problems[1] FROM quality.quarantine"))
    assert problems == [
        "name has 30,000,000 bytes, more than the 2,000,000 that are stored",
        "tags has 30,000,000 bytes, more than the 2,000,000 that are stored",
    ]


@pytest.mark.parametrize(
    ("records", "size"),
    [(20, 1_900_000), only_in_full(4_000, 20_000), only_in_full(300, 1_000_000), only_in_full(100_000, 1_600)],
)
def test_long_texts_are_stored_and_changed(market: LakeHarness, records: int, size: int) -> None:
    """Written at once and within the usual memory, 15 MB of them made the sync fail."""
    for hour, letter in enumerate("xy"):
        sent = [{"id": f"{number}", "name": f"{letter * size}{number}"} for number in range(records)]
        record = market.sync(sent, hour=hour).record
        assert (record.inserted, record.updated) == ((records, 0), (0, records))[hour]
    assert market.ask("SELECT count(*), min(length(name)) FROM market.stalls WHERE name LIKE 'y%'") == [
        (records, size + 1)
    ]


def test_a_problem_quotes_a_part_of_a_long_value(tmp_path: Path, installation: dict[str, str]) -> None:
    harness = LakeHarness(tmp_path)
    record = harness.sync([{"id": 1, "since": "x" * 10_000_000}, {"id": 2}], hour=0).record
    assert (record.quarantined, record.inserted) == (1, 1)
    assert all(len(reason) < 1_000 for reason in record.reasons)
    assert [len(each) < 500 for (each,) in harness.ask("SELECT problems[1] FROM quality.quarantine")] == [True]
    harness.lake.close()


def test_nul_in_a_text_is_replaced_and_said_and_the_landed_line_keeps_it(market: LakeHarness) -> None:
    sent = {"id": "a", "name": "Tea\0house", "tags": ["x\0"], "more\0": {"\0": "\0"}}
    landed = market.land([sent], hour=0)
    assert market.commit(landed).record.status == "complete"
    assert market.table("name, tags") == [("Tea\ufffdhouse", ["x\ufffd"])]
    assert rb"Tea\u0000house" in next(iter(landed.objects()))[1]
    scores = market.ask("SELECT detail FROM quality.scores WHERE dimension = 'validation'")
    problem = "name is Tea\ufffdhouse, not text of which each character can be read"
    assert any(problem in detail for (detail,) in scores)
    assert market.sync([sent], hour=1).record.unchanged == 1
    assert market.sync([{"id": "a", "name": "\0"}], hour=2).record.updated == 1
    assert market.sync([sent], hour=3).record.updated == 1
    stored = market.ask("SELECT path || in_words FROM quality.drift UNION ALL SELECT shape FROM quality.shapes")
    assert stored and not any("\0" in text for (text,) in stored)
    assert not market.replay_differs()


def test_a_condition_on_a_long_text_hides_no_row(market: LakeHarness) -> None:
    market.sync([{"id": "long", "name": "茶" * 100}], hour=0)
    market.sync([{"id": "short", "name": "a"}], hour=1, mode="incremental")
    assert market.ask(f"SELECT source_id FROM market.stalls WHERE name = '{'茶' * 100}'") == [("long",)]
    assert market.ask("SELECT source_id FROM market.stalls WHERE name > 'b'") == [("long",)]


def test_a_lake_that_already_stores_nul_goes_on(market: LakeHarness) -> None:
    others = [{"id": "b"}, {"id": "c"}, {"id": "d"}]
    market.sync([{"id": "a?b", "name": "as before"}, *others], hour=0)
    with market.lake.session() as session:
        session.execute("UPDATE market.stalls SET source_id = replace(source_id, '?', chr(0))")
        session.execute(f"UPDATE {HISTORY} SET entity_id = replace(entity_id, '?', chr(0))")
    outcome = market.sync([{"id": "a\0b", "name": "as before"}, *others], hour=1)
    assert (outcome.record.removed, outcome.record.quarantined) == (0, 1)
    assert market.sync(others, hour=2).record.removed == 1
    assert [source_id for source_id, _ in market.table()] == ["b", "c", "d"]
    assert not market.replay_differs()
