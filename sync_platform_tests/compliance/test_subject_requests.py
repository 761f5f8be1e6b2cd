"""The two obligations on requests of data subjects judge the register."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sync_platform.compliance.span import Span
from sync_platform.compliance.subject_requests import judge_requests, requests_of
from sync_platform.privacy.correction_events import record_correction, record_passed_on
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law
from sync_platform.privacy.request_register import RequestRegister

RECEIVED = datetime(2026, 3, 2, 4, tzinfo=UTC)
SPAN = Span(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 31, tzinfo=UTC))
KINDS = PrivacyRequestKind


class Office:
    """A register, and the days that pass."""

    def __init__(self, url: str) -> None:
        self.now = RECEIVED
        self.register = RequestRegister(url, lambda: self.now)

    def receive(self, kind: PrivacyRequestKind, law: Law) -> int:
        self.now = RECEIVED
        return self.register.add(kind, actor="ada", law=law, identity="known", subjects=["x"])

    def after(self, days: int) -> RequestRegister:
        self.now = RECEIVED + timedelta(days=days)
        return self.register

    def states(self, span: Span = SPAN) -> dict[str, str]:
        judged = judge_requests(requests_of(self.register, span, self.now), self.now)
        return {each.id.removeprefix("requests-"): each.state for each in judged}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}")


@pytest.mark.parametrize(
    ("kind", "law", "days", "states"),
    [
        (KINDS.access, Law.both, 31, {"pdpo": "met", "gdpr": "met"}),
        (KINDS.access, Law.both, 32, {"pdpo": "met", "gdpr": "not met"}),
        (KINDS.access, Law.pdpo, 40, {"pdpo": "met", "gdpr": "not checked"}),
        (KINDS.correction, Law.pdpo, 41, {"pdpo": "not met", "gdpr": "not checked"}),
        (KINDS.erasure, Law.both, 41, {"pdpo": "not checked", "gdpr": "not met"}),
        (KINDS.restriction, Law.gdpr, 31, {"pdpo": "not checked", "gdpr": "met"}),
    ],
)
def test_an_answer_is_in_time_until_the_end_of_its_last_day(
    office: Office, kind: PrivacyRequestKind, law: Law, days: int, states: dict[str, str]
) -> None:
    number = office.receive(kind, law)
    office.after(days).close(number, "sent", actor="ada")
    assert office.states() == states


def test_an_open_request_counts_only_once_it_is_due(office: Office) -> None:
    office.receive(KINDS.access, Law.both)
    office.after(31)
    assert office.states() == {"pdpo": "not checked", "gdpr": "not checked"}
    office.after(32)
    assert office.states() == {"pdpo": "not checked", "gdpr": "not met"}
    office.after(41)
    assert office.states() == {"pdpo": "not met", "gdpr": "not met"}


def test_an_extension_moves_the_day_under_both_laws(office: Office) -> None:
    number = office.receive(KINDS.access, Law.both)
    office.after(20).extend(number, date(2026, 5, 2), "several platforms", actor="ada")
    office.after(60).close(number, "sent", actor="ada")
    assert office.states() == {"pdpo": "met", "gdpr": "met"}


def test_a_refusal_is_an_answer_and_a_withdrawn_request_needs_none(office: Office) -> None:
    refused, withdrawn = office.receive(KINDS.access, Law.both), office.receive(KINDS.erasure, Law.gdpr)
    office.after(50).withdraw(withdrawn, "not wanted any more", actor="ada")
    office.after(10).refuse(refused, "another person's data", "PDPO s.20(1)(b)", actor="ada")
    assert office.states() == {"pdpo": "met", "gdpr": "met"}


def test_a_request_of_another_span_does_not_count(office: Office) -> None:
    number = office.receive(KINDS.access, Law.both)
    office.after(50).close(number, "late", actor="ada")
    after = Span(office.now + timedelta(days=1), office.now + timedelta(days=30))
    assert office.states(after) == {"pdpo": "not checked", "gdpr": "not checked"}
    before = Span(RECEIVED - timedelta(days=30), RECEIVED - timedelta(days=1))
    assert office.states(before) == {"pdpo": "not checked", "gdpr": "not checked"}


def test_a_register_that_was_changed_proves_nothing(office: Office, tmp_path: Path) -> None:
    number = office.receive(KINDS.access, Law.both)
    office.after(50).close(number, "late", actor="ada")
    with sqlite3.connect(tmp_path / "ledger.sqlite") as ledger:
        ledger.execute("UPDATE privacy_request_events SET at = '2026-03-03 00:00:00' WHERE event = 'answered'")
    assert office.states() == {"pdpo": "not met", "gdpr": "not met"}


def test_corrections_and_restrictions_are_counted_without_a_value(office: Office) -> None:
    number = office.receive(KINDS.correction, Law.both)
    values = {"platform": "chope", "dataset": "reservations", "source_id": "7", "column": "surname"}
    values |= {"wrong": "a", "right": "b", "shown": "b"}
    made = record_correction(office.after(1), number, values, actor="ada")
    restricted = office.receive(KINDS.restriction, Law.both)
    office.register.close(restricted, "restricted", actor="ada")
    requests = requests_of(office.register, SPAN, office.now)
    assert requests.restricted_persons == 1
    (correction,) = requests.corrections
    assert (correction.number, correction.state, correction.column) == (made, "applied", "surname")
    (applied,) = office.register.find(number).applied_corrections
    record_passed_on(office.after(2), applied, actor="sync")
    record_passed_on(office.register, applied, actor="sync")
    (correction,) = requests_of(office.register, SPAN, office.now).corrections
    assert (correction.state, correction.passed_on_at) == ("passed on", RECEIVED + timedelta(days=2))
    assert len(office.register.find(number).events) == 5, "it is recorded once"
