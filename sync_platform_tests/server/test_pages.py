"""The pages for people: what they show of a synced home, and who may open and change what."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.errors import MadeByNewer
from sync_platform.monitoring.alert_store import AlertStore, open_alerts
from sync_platform.permissions.role import Role
from sync_platform.server import page_routes
from sync_platform.server.pages.drawings import age_bar, district_map, trend_line
from sync_platform.server.pages.health_data import HealthPageData
from sync_platform.server.pages.health_page import health_page
from sync_platform.unified.review_queue import QueueSize
from sync_platform_tests.cli.unpacked_home import unpacked_home
from sync_platform_tests.server.conftest import TestedServer
from sync_platform_tests.server.served_home import OVERDUE, page_data, page_of_restaurant


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked_home(tmp_path_factory.mktemp("pages") / "home").home


@pytest.fixture(scope="module")
def data(home: Path) -> HealthPageData:
    return page_data(home, datetime(2026, 11, 28, 9, tzinfo=UTC))


def test_the_health_page_shows_the_score_its_reasons_and_every_platform(data: HealthPageData) -> None:
    page = health_page(data, nonce="n")
    assert f"{data.health.score:.1f} of 100 points" in page
    assert data.health.losses[0].deficit.reason in page
    assert [each.subject.name for each in data.platforms if f'<th scope="row">{each.subject.name}' not in page] == []
    assert page.count("not yet synced") == sum(not each.is_begun for each in data.platforms) > 0
    assert "A commit is in no &lt;backup&gt;." in page
    assert "Acknowledge" not in page


def test_the_month_counts_restaurants_that_opened_and_closed_but_not_those_of_the_first_run(
    data: HealthPageData,
) -> None:
    month = data.month
    assert month is not None
    assert (month.opened, month.closed) == (1, 1)
    page = health_page(data, nonce="n")
    assert [
        restaurant_id for restaurant_id, _ in month.named_opened if f"/restaurants/{restaurant_id}" not in page
    ] == []
    trends = {each.subject.name: each.trend for each in data.platforms if each.trend}
    assert trends and all(0 < score <= 100 for trend in trends.values() for score in trend)


def test_the_health_page_shows_how_many_true_pairs_are_among_those_for_review(data: HealthPageData) -> None:
    page = health_page(replace(data, review=QueueSize(1547, 22.4)), nonce="n")
    assert "About 22 true pairs among 1,547 doubtful ones." in page
    assert "match review" in page
    assert "match review" not in health_page(replace(data, review=QueueSize(0, 0)), nonce="n")


def test_an_empty_home_has_a_page_that_invents_nothing(tmp_path: Path) -> None:
    page = health_page(page_data(tmp_path), nonce="n")
    assert "No restaurants are unified yet." in page
    assert "No sync has been made yet" in page
    assert "none is known" in page


def test_the_page_of_a_restaurant_shows_the_source_of_each_field_and_what_changed(home: Path) -> None:
    page = page_of_restaurant(home, "The Stone Lotu Bar")
    for shown in ("石蓮酒吧", "openrice comes before chope", "Stone Lotus Bar", "Map of Hong Kong", "expired"):
        assert shown in page
    assert not re.search(r"(src|href)=\"https?:", page)


def test_pictures_say_in_words_what_they_show() -> None:
    assert "from 90.0 to 95.5 of 100, lowest 88.0" in trend_line([90.0, 88.0, 95.5])
    assert trend_line([]) == ""
    assert "50% of twice the cadence, late" in age_bar(0.5, is_late=True)
    assert "Central and Western, at 22.2820, 114.1580" in district_map("Central and Western", 22.282, 114.158)
    assert "district not known, coordinate not known" in district_map("<nowhere>", 51.5, 0.1)


def test_an_operator_acknowledges_an_alert_on_the_page_and_a_viewer_cannot(server: TestedServer) -> None:
    AlertStore(server.settings.ledger_url, ["log"]).round([OVERDUE], [OVERDUE.name])
    (alert,) = open_alerts(server.settings.ledger_url)
    path = f"/alerts/{alert.alert_id}/acknowledge"
    viewer, operator = server.browser(Role.viewer, name="vic"), server.browser(Role.operator, name="ola")
    assert path not in viewer.get("/").text
    assert viewer.post(path).status_code == 403
    page = operator.get("/")
    assert page.status_code == 200 and path in page.text
    nonce = re.findall(r"nonce-([\w-]+)", page.headers["content-security-policy"])[0]
    assert f'<script nonce="{nonce}">' in page.text
    done = operator.post(path)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    (alert,) = open_alerts(server.settings.ledger_url)
    assert alert.acknowledged_by == "ola"
    assert path not in operator.get("/").text
    assert [entry.actor for entry in server.entries("alert-ack")] == ["ola", "ola"]


def test_a_page_of_an_unknown_restaurant_or_alert_is_not_there(server: TestedServer) -> None:
    operator = server.browser(Role.operator, name="ola")
    assert operator.get("/restaurants/rest-none").status_code == 404
    assert operator.post("/alerts/20261124T083000-1f3a9c/acknowledge").status_code == 404


def test_a_browser_gets_a_page_where_a_program_gets_an_error(server: TestedServer) -> None:
    person, program = server.browser(Role.operator, name="ola"), {"Accept": "*/*"}
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for method, path, message in (
        ("GET", "/restaurants/<b>none", "There is no restaurant &lt;b&gt;none."),
        ("GET", "/nowhere", "There is nothing at this address."),
        ("POST", "/alerts/20261124T083000-1f3a9c/acknowledge", "20261124T083000-1f3a9c"),
    ):
        page = person.request(method, path, headers=browser)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert message in page.text and "Log out ola" in page.text
        nonce = re.findall(r"nonce-([\w-]+)", page.headers["content-security-policy"])[0]
        assert f'<style nonce="{nonce}">' in page.text
        error = person.request(method, path, headers=program)
        assert (error.status_code, error.json()["success"]) == (404, False)
    refused = server.browser(Role.viewer, name="vic").post(path, headers=browser)
    assert refused.status_code == 403
    assert "This is not allowed for vic (viewer)." in refused.text
    server.problems.append("not now")
    try:
        assert person.get("/readyz", headers=browser).json() == person.get("/readyz", headers=program).json()
    finally:
        server.problems.clear()
    of_api = person.get("/api/production-sync/restaurants/none", headers=browser)
    assert (of_api.status_code, of_api.json()["success"]) == (404, False)


def test_a_page_that_an_upgrade_overtakes_says_so_and_when_to_try_again(
    server: TestedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(*_: object) -> None:
        raise MadeByNewer("the lake was made by a newer version of this program")

    monkeypatch.setattr(page_routes, "read_state", overtaken)
    monkeypatch.setattr(page_routes, "HEALTH_AGE_S", -1.0)
    answer = server.browser(Role.viewer).get("/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "newer version" in answer.json()["error"]["message"]
