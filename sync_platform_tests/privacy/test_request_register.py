"""The register keeps account of each privacy request, with its days, and only appends."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.errors import UsageError
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law, due_day
from sync_platform.privacy.request_register import RequestRegister, restricted_subjects
from sync_platform_tests.storage.conftest import database_url

__all__ = ["database_url"]
KINDS = PrivacyRequestKind
RECEIVED = datetime(2026, 1, 31, 2, tzinfo=UTC)


class MovedClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock(RECEIVED)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def register(url: str, clock: MovedClock) -> RequestRegister:
    return RequestRegister(url, clock)


def test_a_request_goes_from_receipt_to_answer(register: RequestRegister, clock: MovedClock) -> None:
    number = register.add(KINDS.access, actor="ada", law=Law.pdpo, reference="ticket 7")
    register.check_identity(number, "passport was shown", actor="ada")
    register.name_person(number, ["b", "a"], actor="ada")
    register.note(number, "asked for the address of the restaurant", actor="bea")
    clock.now += timedelta(days=40)
    register.close(number, "sent by registered post", actor="ada")
    found = register.find(number)
    assert (found.number, found.kind, found.law, found.reference) == (1, KINDS.access, Law.pdpo, "ticket 7")
    assert (found.identity, found.subjects, found.outcome) == (
        "passport was shown",
        ("a", "b"),
        "sent by registered post",
    )
    assert (found.state(clock.now), found.closed_at) == ("answered", clock.now)
    assert found.is_in_time(found.due_on, clock.now)
    assert [each.event for each in found.events] == [
        "received",
        "identity-checked",
        "person-named",
        "noted",
        "answered",
    ]
    assert [each.actor for each in found.events][3] == "bea"
    assert register.breaks() == []


@pytest.mark.parametrize(
    ("received_at", "law", "due_on"),
    [
        (datetime(2026, 1, 31, 2, tzinfo=UTC), Law.gdpr, date(2026, 2, 28)),
        (datetime(2028, 1, 31, 2, tzinfo=UTC), Law.both, date(2028, 2, 29)),
        (datetime(2026, 12, 15, 2, tzinfo=UTC), Law.gdpr, date(2027, 1, 15)),
        (datetime(2026, 1, 31, 2, tzinfo=UTC), Law.pdpo, date(2026, 3, 12)),
        (datetime(2026, 1, 30, 16, 30, tzinfo=UTC), Law.gdpr, date(2026, 2, 28)),  # it is the 31st in Hong Kong
    ],
)
def test_a_request_is_due_after_a_calendar_month_or_forty_days(
    register: RequestRegister, clock: MovedClock, received_at: datetime, law: Law, due_on: date
) -> None:
    clock.now = received_at
    request = register.find(register.add(KINDS.erasure, actor="ada", law=law))
    assert request.due_on == due_on == due_day(request.received_on, law)
    last_minute = datetime(due_on.year, due_on.month, due_on.day, 15, 59, tzinfo=UTC)
    assert (request.state(last_minute), request.state(last_minute + timedelta(minutes=1))) == ("open", "overdue")


def test_an_extension_has_a_reason_is_made_in_time_and_has_an_end(register: RequestRegister, clock: MovedClock) -> None:
    number = register.add(KINDS.access, actor="ada", law=Law.gdpr)
    for until, told in ((date(2026, 5, 1), "two further months"), (date(2026, 2, 28), "is no extension")):
        with pytest.raises(UsageError, match=told):
            register.extend(number, until, "many records", actor="ada")
    register.extend(number, date(2026, 4, 30), "many records", actor="ada")
    request = register.find(number)
    assert (request.due_on, request.extension_reason) == (date(2026, 4, 30), "many records")
    clock.now = datetime(2026, 5, 1, tzinfo=UTC)
    late = register.add(KINDS.access, actor="ada", law=Law.pdpo, received_at=RECEIVED)
    with pytest.raises(UsageError, match="only before"):
        register.extend(late, date(2026, 6, 1), "too late", actor="ada")


def test_nobody_is_answered_before_the_identity_is_checked(register: RequestRegister) -> None:
    number = register.add(KINDS.access, actor="ada")
    with pytest.raises(UsageError, match="identity"):
        register.close(number, "sent", actor="ada")
    register.refuse(number, "the identity could not be checked", "PDPO s.20(1)(a)", actor="ada")
    refused = register.find(number)
    assert (refused.state(RECEIVED), refused.provision) == ("refused", "PDPO s.20(1)(a)")
    checked = register.add(KINDS.erasure, actor="ada", identity="signed in on the platform", subjects=["x"])
    register.close(checked, "erased", actor="ada")
    assert register.find(checked).state(RECEIVED) == "answered"


def test_a_closed_request_takes_only_notes(register: RequestRegister) -> None:
    number = register.add(KINDS.access, actor="ada", identity="known")
    register.withdraw(number, "asked by mistake", actor="ada")
    changes: list[Callable[[], None]] = [
        lambda: register.close(number, "sent", actor="ada"),
        lambda: register.refuse(number, "no", "PDPO s.20", actor="ada"),
        lambda: register.check_identity(number, "again", actor="ada"),
    ]
    for change in changes:
        with pytest.raises(UsageError, match="is closed"):
            change()
    register.note(number, "a letter came later", actor="ada")
    with pytest.raises(UsageError, match="no privacy request 9"):
        register.note(9, "text", actor="ada")


@pytest.mark.parametrize("text", ["write to may.chan@example.com", "call +852 9123 4567", "  "])
def test_a_text_that_names_how_to_reach_a_person_is_refused(register: RequestRegister, text: str) -> None:
    number = register.add(KINDS.access, actor="ada")
    with pytest.raises(UsageError):
        register.note(number, text, actor="ada")


def test_a_restriction_applies_until_it_is_lifted(register: RequestRegister, url: str) -> None:
    number = register.add(KINDS.restriction, actor="ada", identity="known")
    with pytest.raises(UsageError, match="names no data subject"):
        register.close(number, "restricted", actor="ada")
    register.name_person(number, ["x", "y"], actor="ada")
    with pytest.raises(UsageError, match="no restriction that applies"):
        register.lift(number, "settled", actor="ada")
    assert restricted_subjects(url) == set()
    register.close(number, "restricted", actor="ada")
    assert restricted_subjects(url) == {"x", "y"}
    register.lift(number, "settled", actor="ada")
    assert restricted_subjects(url) == set()
    assert register.find(number).lifted_at == RECEIVED
    with pytest.raises(UsageError, match="lifted already"):
        register.lift(number, "settled", actor="ada")


def test_a_restriction_that_applies_is_kept_however_old_it_is(register: RequestRegister, clock: MovedClock) -> None:
    number = register.add(KINDS.restriction, actor="ada", identity="known", subjects=["x"])
    register.close(number, "restricted", actor="ada")
    clock.now += timedelta(days=5000)
    assert register.closed_before(clock.now) == []
    register.lift(number, "settled", actor="ada")
    assert register.closed_before(clock.now) == []
    clock.now += timedelta(days=1462)
    assert register.closed_before(clock.now - timedelta(days=1461)) == [number]


def test_a_changed_event_is_found_and_deleted_details_break_nothing(
    register: RequestRegister, url: str, clock: MovedClock
) -> None:
    first, second = (register.add(KINDS.access, actor="ada", identity="known") for _ in range(2))
    register.refuse(first, "another person's data", "PDPO s.20(1)(b)", actor="ada")
    clock.now += timedelta(days=1461)
    assert register.closed_before(clock.now - timedelta(days=1462)) == []
    assert register.delete_closed(clock.now - timedelta(days=1460)) == 1
    assert register.delete_closed(clock.now - timedelta(days=1460)) == 0
    assert register.breaks() == []
    forgotten = register.find(first)
    assert (forgotten.kind, forgotten.identity, forgotten.outcome) == (None, "", "")
    assert (forgotten.state(clock.now), forgotten.events[0].details) == ("refused", None)
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE privacy_request_events SET details = '{}' WHERE number = 3")
        connection.execute("UPDATE privacy_request_events SET actor = 'eve' WHERE number = 4")
    assert [(event.number, event.request) for event, _ in register.breaks()] == [(4, second), (3, second)]


def test_writers_at_the_same_time_get_numbers_of_their_own(database_url: str) -> None:
    def write(number: int) -> int:
        return RequestRegister(database_url).add(KINDS.access, actor=f"writer {number}")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(8))) == list(range(1, 9))
    register = RequestRegister(database_url)
    assert register.breaks() == []
    assert len(register.requests()) == 8
