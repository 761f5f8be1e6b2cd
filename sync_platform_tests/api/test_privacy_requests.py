"""The register of privacy requests over the API, for the compliance role alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync_platform.api_client import RequestFailed
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law
from sync_platform.privacy.request_register import RequestRegister
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
