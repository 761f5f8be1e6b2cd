"""Requests of persons about their data, as the API answers them: ids and references, never the data of a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sync_platform.api.envelope import ApiModel


class PrivacyEventAnswer(ApiModel):
    """Something that was recorded of a request. `details`: null where they are past their retention."""

    number: int
    at: datetime
    actor: str
    via: str
    event: str
    details: dict[str, Any] | None
    link: str


class CorrectionAnswer(ApiModel):
    """A corrected value, without the value. `state`: applied, passed on (the platform shows it itself), or lifted."""

    correction: int
    request: int
    platform: str
    dataset: str
    source_id: str
    column: str
    state: str
    corrected_at: datetime
    passed_on_at: datetime | None
    lifted_at: datetime | None


class PrivacyRequestAnswer(ApiModel):
    """A request of a person. `state`: open, overdue, or how it was closed. `dueOn`: the last day, in Hong Kong."""

    request: int
    kind: str | None
    law: str | None
    state: str
    received_at: datetime | None
    due_on: date
    extended_until: date | None
    extension_reason: str
    identity: str
    reference: str
    subjects: list[str]
    closed_at: datetime | None
    outcome: str
    provision: str
    lifted_at: datetime | None
    corrections: list[CorrectionAnswer]
    events: list[PrivacyEventAnswer]


class PrivacyRequestList(ApiModel):
    """Requests of persons, in order of their numbers."""

    items: list[PrivacyRequestAnswer]
