"""Requests of persons about their data, as the API answers them: ids and references, never the data of a person."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from sync_platform.api.envelope import ApiBody, ApiModel

FIRST_POSSIBLE = datetime(1996, 12, 20, tzinfo=UTC)
"""The day on which the PDPO came into force."""
RegisterText = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]
"""The register is not sealed: no name, address or number of a person."""
SubjectId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PrivacyRequestBody(ApiBody):
    """A request of a person that was received. It is recorded; nothing is shown, changed or erased by it."""

    kind: Literal["access", "erasure", "correction", "restriction"] = Field(description="What the person asks for.")
    received_at: AwareDatetime | None = Field(None, description="When it was received; now if it is not given.")
    law: Literal["gdpr", "pdpo", "both"] = Field(
        "both", description="`gdpr`: due in a month; `pdpo`: in 40 days; `both`: the shorter time counts."
    )
    reference: RegisterText = Field("", description="Where the letters about it are, such as the number of a ticket.")
    identity: RegisterText = Field("", description="How the identity of the person was checked, if it was.")
    subjects: list[SubjectId] = Field([], max_length=100, description="Ids of the person on the platforms.")

    @field_validator("received_at")
    @classmethod
    def _is_of_our_time(cls, value: datetime | None) -> datetime | None:
        if value is not None and value < FIRST_POSSIBLE:
            raise ValueError("must not be before 1996, when the first of these laws came into force")
        return value


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
