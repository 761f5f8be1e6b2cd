"""The register of privacy requests over the API, for the compliance role alone, and records what was received."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sync_platform.api.privacy_answer import PrivacyRequestBody
from sync_platform.api_client import RequestFailed
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.api.served import Served


def test_the_register_is_shown_to_the_compliance_role_alone(own_home: Served) -> None:
    register = RequestRegister(own_home.context.settings.ledger_url)
    number = register.add(
        PrivacyRequestKind.access, law=Law.both, received_at=datetime(2026, 11, 1, tzinfo=UTC), actor="an officer"
    )
    client = own_home.client("compliance")
    (listed,) = client.privacy_requests(only_open=True)
    assert (listed.request, listed.kind, listed.due_on.isoformat()) == (number, "access", "2026-12-01")
    assert client.privacy_request(number) == listed
    with pytest.raises(RequestFailed) as unknown:
        client.privacy_request(number + 1)
    assert unknown.value.status == 404
    for role in ("viewer", "operator"):
        with pytest.raises(RequestFailed, match="read-privacy is not allowed"):
            own_home.client(role).privacy_requests()


def test_a_request_is_recorded_once_for_each_key_and_erases_nothing(own_home: Served) -> None:
    client, received_at = own_home.client("compliance"), datetime.now(UTC) - timedelta(days=9)
    body = PrivacyRequestBody(
        kind="erasure", received_at=received_at, law="pdpo", reference="ticket 4711",
        identity="passport seen", subjects=["chope:r-1"],
    )  # fmt: skip
    made = [client.record_privacy_request(body, key="k1") for _ in range(2)]
    assert made[0] == made[1]
    due_on = day_in_hong_kong(received_at) + timedelta(days=40)
    assert (made[0].state, made[0].due_on, made[0].subjects) == ("open", due_on, ["chope:r-1"])
    assert [each.event for each in made[0].events] == ["received", "identity-checked", "person-named"]
    assert {each.via for each in made[0].events} == {"api"}
    other = client.record_privacy_request(body, key="k2")
    assert other.request == made[0].request + 1
    entry = list(AuditLog(own_home.context.settings.ledger_url).entries(operation="privacy-request"))[-1]
    assert (entry.actor, entry.via, entry.document()["subject"]["request"]) == ("a compliance", "api", other.request)


def test_what_is_missing_of_a_request_that_was_interrupted_is_recorded_by_its_repeat(own_home: Served) -> None:
    register = RequestRegister(own_home.context.settings.ledger_url)
    first = register.add(PrivacyRequestKind.access, actor="a", receipt="r")
    again = register.add(PrivacyRequestKind.access, actor="a", receipt="r", identity="seen", subjects=["x"])
    assert first == again
    assert (register.find(first).identity, register.find(first).subjects) == ("seen", ("x",))
    assert register.add(PrivacyRequestKind.access, actor="a", receipt="_") == first + 1


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_the_compliance_role_records_a_request(own_home: Served, role: str) -> None:
    with pytest.raises(RequestFailed, match="change-privacy is not allowed"):
        own_home.client(role).record_privacy_request(PrivacyRequestBody(kind="access"))


def test_a_text_with_an_address_of_a_person_is_refused(own_home: Served) -> None:
    with pytest.raises(RequestFailed) as refused:
        own_home.client("compliance").record_privacy_request(
            PrivacyRequestBody(kind="access", reference="from ada@example.org")
        )
    assert refused.value.status == 422


def test_a_wrong_field_is_explained_in_plain_words(own_home: Served) -> None:
    body = {"kind": "access", "receivedAt": "0001-01-01T00:00:00+14:00"}
    refused = own_home.http("compliance").post("/privacy/requests", json=body)
    (detail,) = refused.json()["error"]["details"]
    assert (refused.status_code, detail["field"]) == (422, "receivedAt")
    assert detail["message"].startswith("must not be before 1996")
