"""The licence register: two files joined, their quirks, and the archive."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sync_platform.errors import MalformedBody, PermanentError
from sync_platform.platforms.data_gov_hk import PATHS, DataGovHk
from sync_platform.sandbox.city import City
from sync_platform.sandbox.views.data_gov_hk import Register
from sync_platform.sources.period import period_of
from sync_platform.sources.scope import Scope

from .replay import Exchange, Replayed, exchange, over_sandbox, replay, to_row

REGISTER = DataGovHk()
ARCHIVE = "/data_gov_hk_archive/v1/historical-archive"
LIVE = [REGISTER.live_base_url + path for path in PATHS]
EXPIRY = "2027-03-31"


def file(*numbers: str, day: str = "2026-11-24", sign: str = "Lucky Kee") -> str:
    rows = "".join(
        f"<LP><TYPE>RL</TYPE><DIST>11</DIST><LICNO>{number}</LICNO><SS>{sign}</SS><ADR/><INFO/>"
        f"<EXPDATE>{EXPIRY}</EXPDATE></LP>"
        for number in numbers
    )
    return f"<DATA><GENERATION_DATE>{day}</GENERATION_DATE><LPS>{rows}</LPS></DATA>"


def both(english: str, chinese: str) -> list[Exchange]:
    return [exchange(PATHS[0], text=english), exchange(PATHS[1], text=chinese)]


def archived(city: City, first: date, last: date) -> Replayed:
    scope = Scope(archive_period=(first, last))
    return over_sandbox(REGISTER, city, scope=scope)


def licences_on(city: City, day: date) -> set[str]:
    view = city.view("data_gov_hk")
    assert isinstance(view, Register)
    return {licence.number for _, licence in view.licences if licence.expires(day)}


def test_every_page_of_two_thousand_records_names_both_files() -> None:
    numbers = [f"{number:010d}" for number in range(4500)]
    replayed = replay(REGISTER, both(file(*numbers), file(*numbers)))
    assert [len(page.records) for page in replayed.pages] == [2000, 2000, 500]
    assert all(
        [reply.url.rpartition("/")[2] for reply in page.replies] == ["LP_Restaurants_EN.XML", "LP_Restaurants_TC.XML"]
        for page in replayed.pages
    )
    assert replayed.gaps["licences"].claimed == 4500


def test_files_of_different_days_are_fetched_again() -> None:
    old, new = file("1", day="2026-11-23"), file("1", "2")
    replayed = replay(REGISTER, both(new, old) + both(new, new))
    assert replayed.ids("licences") == ["1", "2"]
    assert replayed.reasons("licences") == []
    assert len(replayed.requests) == 4


def test_files_that_stay_of_different_days_land_with_a_finding(city: City) -> None:
    replayed = over_sandbox(REGISTER, city, ["data_gov_hk:mismatch~_TC"])
    assert "the two files are of different days" in replayed.reasons("licences")[0]
    assert len(replayed.ids("licences")) > 100
    assert len(replayed.requests) == 8
    assert {record["GENERATION_DATE"] for record in replayed.records("licences")} == {"2026-11-23"}


def test_a_licence_in_only_one_file_is_landed_and_reported_and_is_no_row() -> None:
    replayed = replay(REGISTER, both(file("1", "2"), file("2", "3", "4")))
    assert sorted(replayed.ids("licences")) == ["1", "2", "3", "4"]
    assert replayed.reasons("licences") == ["3 licences stand in only one of the two files"]
    only_chinese = next(record for record in replayed.records("licences") if record["LICNO"] == "3")
    with pytest.raises(ValueError, match="licence 3 stands in the Chinese file only"):
        to_row(REGISTER.dataset("licences"), only_chinese)


def test_a_number_that_one_file_lists_twice_is_landed_twice() -> None:
    replayed = replay(REGISTER, both(file("1", "2"), file("1", "2", "1")))
    assert sorted(replayed.ids("licences")) == ["1", "1", "2"]
    assert replayed.reasons("licences") == []


def test_what_the_two_files_state_differently_is_noted_and_the_english_value_stored() -> None:
    english, chinese = file(*"1234567"), file(*"1234567", sign="樂記")
    for number in "12345":
        chinese = chinese.replace(
            f"<LICNO>{number}</LICNO><SS>樂記</SS><ADR/><INFO/><EXPDATE>{EXPIRY}",
            f"<LICNO>{number}</LICNO><SS>樂記</SS><ADR/><INFO/><EXPDATE>2026-03-31",
        )
    english = english.replace("<LICNO>6</LICNO><SS>Lucky Kee</SS><ADR/><INFO/>", "<LICNO>6</LICNO><INFO>A#H</INFO>")
    chinese = chinese.replace("<LICNO>6</LICNO><SS>樂記</SS><ADR/><INFO/>", "<LICNO>6</LICNO><INFO>H#A</INFO>")
    chinese = chinese.replace("<DIST>11</DIST><LICNO>7", "<DIST>12</DIST><LICNO>7")
    replayed = replay(REGISTER, both(english, chinese))
    assert replayed.gaps["licences"].notes == [
        "DIST of licence 7 is another in the Chinese file: that of the English file is stored",
        "EXPDATE of 5 licences (1, 2, 3) is another in the Chinese file: that of the English file is stored",
    ]
    assert replayed.reasons("licences") == []
    assert {record["EXPDATE"] for record in replayed.records("licences")} == {EXPIRY}


def test_a_field_that_is_blank_in_the_english_file_is_that_of_the_chinese_one() -> None:
    english = file("1").replace(f"<EXPDATE>{EXPIRY}</EXPDATE>", "<EXPDATE/>")
    replayed = replay(REGISTER, both(english, file("1")))
    assert [record["EXPDATE"] for record in replayed.records("licences")] == [EXPIRY]
    assert replayed.gaps["licences"].notes == []


def test_a_register_without_rows_is_a_finding() -> None:
    replayed = replay(REGISTER, both(file(), file()))
    assert replayed.reasons("licences") == ["the register of 2026-11-24 has no rows"]


def test_an_old_file_is_no_failure() -> None:
    replayed = replay(REGISTER, both(file("1", day="2026-01-01"), file("1", day="2026-01-01")))
    assert replayed.reasons("licences") == []
    assert "generated_on" in REGISTER.dataset("licences").volatile


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("\ue517魚涌", "鰂魚涌"),
        ("金\ue16e", "金愨"),
        ("\ue061豐", "滙豐"),
        ("鴨\ue77f洲", "鴨脷洲"),
        ("１２號　地下", "12號 地下"),
        (" Lucky   Kee ", "Lucky Kee"),
        ("沒有記錄", None),
        ("　", None),
    ],
)
def test_the_registers_text_is_cleaned(sent: str, kept: str | None) -> None:
    row = replay(REGISTER, both(file("1"), file("1", sign=sent))).rows("licences")[0]
    assert row.name_zh == kept  # type: ignore[attr-defined]


def test_landing_keeps_the_text_as_it_was_sent() -> None:
    record = replay(REGISTER, both(file("1"), file("1", sign="\ue061豐"))).records("licences")[0]
    assert record["SS_TC"] == "\ue061豐"


@pytest.mark.parametrize("broken", [file("1")[:-20], "<!DOCTYPE html><html><body>Busy</body></html>", ""])
def test_a_file_cut_off_or_of_another_kind_is_fetched_again(broken: str) -> None:
    replayed = replay(REGISTER, [exchange(PATHS[0], text=broken), *both(file("1"), file("1"))])
    assert replayed.ids("licences") == ["1"]


def test_a_file_that_stays_broken_stops_the_sync(city: City) -> None:
    with pytest.raises(MalformedBody, match="not whole XML"):
        over_sandbox(REGISTER, city, ["data_gov_hk:truncated"])


def test_no_xml_entity_is_resolved_and_a_sign_that_refers_to_one_is_no_text() -> None:
    bomb = '<!DOCTYPE DATA [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + file("1", sign="A&a;B")
    record = replay(REGISTER, both(bomb, file("1"))).records("licences")[0]
    assert record["SS_EN"] == ["&a;"]
    with pytest.raises(msgspec.ValidationError, match=r"\$\.SS_EN`"):
        to_row(REGISTER.dataset("licences"), record)


def test_a_licence_with_an_unclosed_tag_is_quarantined_by_its_number_and_the_others_are_read() -> None:
    english = file("1", "2", "3").replace("<LICNO>2</LICNO><SS>Lucky Kee</SS>", "<LICNO>2</LICNO><SS>Lucky & Kee")
    replayed = replay(REGISTER, both(english, file("1", "2", "3")))
    assert replayed.ids("licences") == ["1", "2", "3"]
    assert replayed.reasons("licences") == []
    assert replayed.gaps["licences"].notes == [
        "the English file: it is not well-formed XML and was read loosely (1 x bare &)"
    ]
    first, broken, last = replayed.records("licences")
    assert to_row(REGISTER.dataset("licences"), first)
    assert to_row(REGISTER.dataset("licences"), last)
    with pytest.raises(ValueError, match="licence 2 is broken: in the English file it is not whole XML"):
        to_row(REGISTER.dataset("licences"), broken)


def test_an_expiry_date_of_another_shape_is_an_error_naming_it() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.EXPDATE`"):
        to_row(REGISTER.dataset("licences"), {"LICNO": "1", "EXPDATE": "31/12/26"})


def test_the_archive_gives_the_last_day_of_the_week(city: City) -> None:
    week = period_of("weekly", date(2024, 5, 8))
    replayed = archived(city, week.first, week.last)
    (day,) = {record["GENERATION_DATE"] for record in replayed.records("licences")}
    assert week.first <= date.fromisoformat(day) <= week.last
    assert set(replayed.ids("licences")) == licences_on(city, date.fromisoformat(day))
    assert replayed.reasons("licences") == []


def test_the_archive_is_requested_by_live_address_and_last_common_day_of_the_lists() -> None:
    versions = [["20240506-0930", "20240508-0011", "20240508-0931", "20240509-0930"], ["20240508-0940"]]
    listed = [
        exchange(f"{ARCHIVE}/list-file-versions", {"timestamps": stamps}, url=url, start="20240506", end="20240512")
        for stamps, url in zip(versions, LIVE, strict=True)
    ]
    files = [
        exchange(f"{ARCHIVE}/get-file", text=file("1", day="2024-05-08"), url=url, time=stamp)
        for url, stamp in zip(LIVE, ("20240508-0931", "20240508-0940"), strict=True)
    ]
    scope = Scope(archive_period=(date(2024, 5, 6), date(2024, 5, 12)))
    replayed = replay(REGISTER, listed + files, scope=scope)
    assert replayed.ids("licences") == ["1"]
    assert replayed.extraction.state.observed_at == datetime(2024, 5, 8, 1, 40, tzinfo=UTC)


def archive_of(stamps: list[str], day: str) -> list[Exchange]:
    return [
        exchange(f"{ARCHIVE}/list-file-versions", {"timestamps": stamps}),
        exchange(f"{ARCHIVE}/get-file", text=file("1", day=day)),
    ]


WEEK = Scope(archive_period=(date(2024, 5, 6), date(2024, 5, 12)))


def test_versions_that_are_of_another_week_or_no_time_are_left_out() -> None:
    stamps = ["", "latest", "20240507-0930", "20240509-2561", "20240510", "20240513-0930", "20261128-0930"]
    replayed = replay(REGISTER, archive_of(stamps, "2024-05-07"), scope=WEEK)
    assert replayed.extraction.state.observed_at == datetime(2024, 5, 7, 1, 30, tzinfo=UTC)


def test_an_archived_file_that_was_made_later_is_refused() -> None:
    with pytest.raises(PermanentError, match="file of 2024-05-07 says that it was made on 2026-11-28, later"):
        replay(REGISTER, archive_of(["20240507-0930"], "2026-11-28"), scope=WEEK)


def test_a_licence_with_a_field_twice_is_broken_unless_both_are_alike() -> None:
    alike = file("1", "2").replace("<LICNO>1</LICNO>", "<LICNO>1</LICNO><LICNO>1</LICNO>")
    replayed = replay(REGISTER, both(alike.replace("<SS>", "<SS>Other</SS><SS>", 1), alike))
    first, last = replayed.records("licences")
    with pytest.raises(ValueError, match="licence 1 is broken: in the English file it has SS twice"):
        to_row(REGISTER.dataset("licences"), first)
    assert to_row(REGISTER.dataset("licences"), last)


def test_a_week_without_versions_is_refused_by_name() -> None:
    nothing: Any = {"timestamps": []}
    scope = Scope(archive_period=(date(2024, 5, 6), date(2024, 5, 12)))
    with pytest.raises(PermanentError, match="week of 2024-05-06"):
        replay(REGISTER, [exchange(f"{ARCHIVE}/list-file-versions", nothing)], scope=scope)


def test_the_day_of_no_rows_retires_nothing(city: City) -> None:
    replayed = archived(city, date(2023, 1, 28), date(2023, 1, 28))
    assert replayed.reasons("licences") == ["the register of 2023-01-28 has no rows"]


@pytest.mark.parametrize(
    ("day", "tolerance"), [(date(2026, 6, 30), 0.05), (date(2026, 7, 4), 0.05), (date(2026, 11, 24), 0.03)]
)
def test_the_shrink_tolerance_is_larger_around_the_thirtieth_of_june(day: date, tolerance: float) -> None:
    assert REGISTER.tolerance(day) == tolerance
    assert REGISTER.tolerance(day - timedelta(days=100)) == 0.03
