"""Own checks: a SQL file is a measure of its dataset; a wrong file is named and breaks nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.lake.own_check_scores import run_own_checks, write_own_scores
from sync_platform.quality.own_check_run import own_check_in_words, run_own_check
from sync_platform.quality.own_checks import OwnCheck, OwnChecks, load_own_checks
from sync_platform.quality.scorecard import DatasetCard, cards_of
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.quality.venues import VENUES, venues

LOW = """-- description: A venue is rated at least 4.
-- threshold: 0.5
SELECT source_id FROM diner.venues WHERE rating < 4; -- a rating that is empty is not low
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    return tmp_path / "checks"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    """Ten venues, of which the first three are rated 1."""
    harness = LakeHarness(tmp_path, diner(dataset=VENUES))
    harness.sync([{**venue, "rating": 1} if venue["id"] < 3 else venue for venue in venues(10)], hour=0)
    yield harness
    harness.lake.close()


def loaded(folder: Path, **files: str) -> OwnChecks:
    """The checks of a folder with `diner.venues.NAME.sql` for each name."""
    for name, text in files.items():
        (folder / f"diner.venues.{name}.sql").write_text(text)
    return load_own_checks(folder, {"diner": diner(dataset=VENUES)})


def test_a_file_says_its_dataset_rule_severity_and_threshold(folder: Path) -> None:
    (check,) = loaded(folder, low=f"-- severity: error\n{LOW}").checks
    assert (check.platform, check.dataset, check.name) == ("diner", "venues", "low")
    assert (check.description, check.severity, check.threshold) == ("A venue is rated at least 4.", "error", 0.5)


def test_a_folder_that_does_not_exist_has_no_checks(tmp_path: Path) -> None:
    assert load_own_checks(tmp_path / "nothing", {}) == OwnChecks()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("no_price.sql", LOW, "its name is not PLATFORM.DATASET.NAME.sql"),
        ("dinner.venues.low.sql", LOW, "there is no platform 'dinner'; there is diner"),
        ("diner.places.low.sql", LOW, "diner has no dataset 'places'; it has venues"),
        ("diner.venues.too-low.sql", LOW, "not made of letters"),
        ("diner.venues.drift.sql", LOW, "the name of a built-in check"),
        ("diner.venues.low.sql", "DELETE FROM diner.venues", "it is not one SELECT.*it is DELETE"),
        ("diner.venues.low.sql", f"{LOW}{LOW}", "it is SELECT, SELECT"),
        ("diner.venues.low.sql", "-- only a comment", "it is nothing"),
        ("diner.venues.low.sql", "SELECT FROM WHERE", "its SQL is wrong"),
        ("diner.venues.low.sql", f"-- severity: fatal\n{LOW}", "its severity is 'fatal'"),
        ("diner.venues.low.sql", LOW.replace("0.5", "99 %"), "its threshold is '99 %'"),
        ("diner.venues.low.sql", f"-- treshold: 0.9\n{LOW}", "its header has treshold"),
    ],
)
def test_a_wrong_file_is_a_problem_that_names_it(folder: Path, name: str, text: str, problem: str) -> None:
    (folder / name).write_text(text)
    (problems,) = loaded(folder).problems
    assert problems.startswith(f"{name}: ")
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(problems)


def test_a_file_that_is_no_text_is_a_problem(folder: Path) -> None:
    (folder / "diner.venues.low.sql").write_bytes(b"\xff\xfe\x00")
    assert "it cannot be read" in loaded(folder).problems[0]


def test_the_score_is_the_share_of_live_records_that_are_not_returned(harness: LakeHarness, folder: Path) -> None:
    harness.sync([{**venue, "rating": 1} if venue["id"] < 3 else venue for venue in venues(10)[1:]], hour=1)
    (score,) = run_own_checks(harness.lake, loaded(folder, low=LOW).checks)
    assert (score.numerator, score.denominator, score.threshold) == (7, 9, 0.5)
    assert own_check_in_words(score) == "2 of 9 records break the rule “A venue is rated at least 4.”, e.g. 1, 2"
    assert not score.falls_short


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT source_id FROM nowhere", "its SQL is wrong: Catalog Error"),
        ("SELECT name_en FROM diner.venues", "it returns name_en; it must return source_id"),
        ("SELECT CAST('x' AS INTEGER) AS source_id", "its SQL is wrong: Conversion Error"),
    ],
)
def test_a_check_that_cannot_be_run_is_not_measured_and_says_why(
    harness: LakeHarness, folder: Path, sql: str, problem: str
) -> None:
    (score,) = run_own_checks(harness.lake, loaded(folder, bad=sql).checks)
    assert score.score is None
    assert own_check_in_words(score).startswith(f"it could not be run: diner.venues.bad.sql: {problem}")


def test_a_check_that_takes_too_long_is_ended(harness: LakeHarness) -> None:
    endless = OwnCheck("e.sql", "diner", "venues", "e", "SELECT count(*) AS source_id FROM range(1000000000000)")
    with harness.lake.session() as session:
        score = run_own_check(session, endless, longest_s=0.2)
    assert "it took longer than" in own_check_in_words(score)


def card(harness: LakeHarness) -> DatasetCard:
    with harness.lake.session() as session:
        (cards,) = cards_of(session)
    return cards


def test_the_scorecard_has_the_results_of_the_newest_sync(harness: LakeHarness, folder: Path) -> None:
    record = harness.sync(venues(10), hour=1).record
    strict = LOW.replace("0.5", "1").replace("< 4", "< 5")
    checks = loaded(folder, low=LOW, strict=strict, bad="SELECT source_id FROM nowhere").checks
    write_own_scores(harness.lake, run_own_checks(harness.lake, checks), record)
    found = card(harness)
    assert [(each.measure, each.score) for each in found.own_checks] == [("bad", None), ("low", 1.0), ("strict", 0.0)]
    assert not found.passes
    assert [finding.split(":")[0] for finding in found.findings] == ["bad", "strict"]
    assert found.dimensions["overall"].score == 1.0, "own checks have no weight in the overall score"
    later = harness.sync(venues(10), hour=2).record
    write_own_scores(harness.lake, run_own_checks(harness.lake, checks[1:2]), later)
    assert [each.measure for each in card(harness).own_checks] == ["low"], "the other files are gone"
    assert card(harness).passes
