"""The licence register: its files, its quirks, its archive and its history."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from lxml import etree

from sync_platform.sandbox.city import City
from sync_platform.sandbox.views.data_gov_hk import EMPTY_DAY, Register

from .conftest import EN, TC, TODAY, Client

ARCHIVE = "/data_gov_hk_archive/v1/historical-archive"
URL = "https%3A%2F%2Fwww.fehd.gov.hk%2Fenglish%2Flicensing%2Flicense%2Ftext%2FLP_Restaurants_EN.XML"


def rows(body: bytes) -> dict[str, dict[str, str]]:
    rows_by_number = {}
    for element in etree.fromstring(body).iter("LP"):
        row = {child.tag: child.text or "" for child in element}
        rows_by_number[row["LICNO"]] = row
    return rows_by_number


def versions(client: Client, start: str, end: str) -> list[str]:
    found: Any = client.json(f"{ARCHIVE}/list-file-versions?url={URL}&start={start}&end={end}")
    return list(found["timestamps"])


def on_day(city: City, day: date) -> set[str]:
    register = city.view("data_gov_hk")
    assert isinstance(register, Register)
    return {licence.number for _, licence in register.licences if licence.expires(day)}


def test_both_languages_hold_the_same_licences_of_the_same_day(client: Client) -> None:
    english, chinese = client.get(EN).content, client.get(TC).content
    assert rows(english).keys() == rows(chinese).keys()
    dates = {etree.fromstring(body).findtext("GENERATION_DATE") for body in (english, chinese)}
    assert dates == {"2026-11-24"}


def test_a_row_has_the_documented_elements(client: Client) -> None:
    for row in rows(client.get(EN).content).values():
        assert list(row) == ["TYPE", "DIST", "LICNO", "SS", "ADR", "INFO", "EXPDATE"]
        assert len(row["LICNO"]) == 10
        assert row["EXPDATE"] >= "2026-11-24"


def test_code_tables_cover_the_codes_used(client: Client) -> None:
    tree = etree.fromstring(client.get(TC).content)
    for table, field in (("TYPE_CODE", "TYPE"), ("DIST_CODE", "DIST")):
        codes = {code.get("ID") for code in tree.iterfind(f"{table}/CODE")}
        assert {element.text for element in tree.iter(field)} <= codes
    assert next(tree.iterfind("INFO_CODE/CODE")).get("ID") == "#A"


def test_the_text_has_the_real_files_quirks(client: Client) -> None:
    text = client.get(TC).text
    for quirk in ("\ue517", "\ue061", "\u3000", "沒有記錄", "１", "  "):
        assert quirk in text


def test_an_etag_saves_the_second_download(client: Client) -> None:
    first = client.get(EN)
    again = client.get(EN, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "last-modified" in first.headers


def test_the_archive_lists_versions_some_days_have_none_or_two(client: Client) -> None:
    found = versions(client, "20230101", "20261123")
    days = {stamp[:8] for stamp in found}
    span = (date(2026, 11, 23) - date(2023, 1, 1)).days + 1
    assert 0.96 < len(days) / span < 0.99
    assert len(found) > len(days) * 1.1
    assert found == sorted(found)


def test_an_archived_file_carries_its_day(client: Client) -> None:
    stamp = versions(client, "20240506", "20240512")[-1]
    body = client.get(f"{ARCHIVE}/get-file?url={URL}&time={stamp}").content
    assert etree.fromstring(body).findtext("GENERATION_DATE") == f"{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}"
    assert len(rows(body)) > 1700


def test_one_archived_day_has_no_rows(client: Client) -> None:
    stamp = versions(client, f"{EMPTY_DAY:%Y%m%d}", f"{EMPTY_DAY:%Y%m%d}")[0]
    assert rows(client.get(f"{ARCHIVE}/get-file?url={URL}&time={stamp}").content) == {}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"list-file-versions?url={URL}&start=20260101&end=20261124", 400),
        (f"list-file-versions?url={URL}&start=20260110&end=20260101", 400),
        (f"list-file-versions?url={URL}&start=yesterday&end=today", 400),
        ("list-file-versions?url=https%3A%2F%2Fx%2Fother.xml&start=20260101&end=20260102", 404),
        (f"get-file?url={URL}&time=20260101-2359", 404),
        (f"get-file?url={URL}&time=20301231-0900", 404),
    ],
)
def test_the_archive_refuses_impossible_requests(client: Client, query: str, status: int) -> None:
    assert client.get(f"{ARCHIVE}/{query}").status_code == status


def test_some_licences_come_back_after_a_late_renewal(city: City) -> None:
    before, gap, after = (on_day(city, date(2026, 6, 29) + timedelta(days=days)) for days in (0, 2, 12))
    came_back = (before - gap) & after
    assert len(came_back) > 5


def test_many_licences_end_on_the_thirtieth_of_june(city: City) -> None:
    left = len(on_day(city, date(2026, 6, 29)) - on_day(city, date(2026, 6, 30)))
    usual = len(on_day(city, date(2026, 6, 22)) - on_day(city, date(2026, 6, 23)))
    assert usual < left < 0.03 * 2000


def test_a_provisional_licence_becomes_a_full_one_with_another_number(city: City) -> None:
    converted = 0
    for place in city.places:
        provisional = [licence for licence in place.licences if licence.number[:2] in ("38", "39")]
        full = [licence for licence in place.licences if licence.number[:2] in ("22", "31")]
        if provisional and full and full[0].premises == provisional[0].premises:
            converted += 1
            assert provisional[0].until == full[0].since
    assert converted > 300


def test_an_expiry_date_moves_a_year_ahead_on_renewal(city: City) -> None:
    licence = next(
        licence
        for place in city.places
        for licence in place.licences
        if licence.until > date(2030, 1, 1) and licence.since < date(2024, 1, 1) and licence.lead_days > 3
    )
    dates = {licence.expires(TODAY + timedelta(days=ahead)) for ahead in range(365)}
    assert len(dates) == 2
