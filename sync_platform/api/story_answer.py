"""The story of a restaurant as the API answers it: its identity, its listings, and the source of every value.

The keys of `before`, `after` and the names of fields are columns of the lake (docs/datasets.md).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sync_platform.api.envelope import ApiModel


class LandedPage(ApiModel):
    """An HTTP answer from which a landed page was made."""

    url: str
    status: int
    fetched_at: datetime
    sha256: str
    size_bytes: int


class OriginAnswer(ApiModel):
    """Where a version of a record is landed, and whether it is intact there."""

    object: str
    line: int
    object_sha256: str | None
    state: str
    manifest: str
    pages: list[LandedPage]


class TracedChangeAnswer(ApiModel):
    """A change of a record, with its origin. `number`: the number by which claims refer to it."""

    number: int
    platform: str
    dataset: str
    entity_id: str
    operation: str
    changed_fields: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    content_hash: str | None
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime
    origin: OriginAnswer | None


class ClaimAnswer(ApiModel):
    """What one listing states for a field. `change`: the number of the change that brought it."""

    listing: str
    value: Any
    agrees: bool
    change: int | None


class FieldSource(ApiModel):
    """The value of a field, the rule that chose it, and what each listing states."""

    field: str
    value: Any
    rule: str
    words: str
    said_by: list[ClaimAnswer]
    others: list[ClaimAnswer]


class IdentityEventAnswer(ApiModel):
    """Something that happened to the identity of a restaurant: founded, merged, split, revived, moved, ended."""

    restaurant_id: str
    kind: str
    other_id: str | None
    listings: list[str]
    run_id: str
    at: datetime


class EvidenceAnswer(ApiModel):
    """Why a listing belongs to the restaurant."""

    linked_to: str
    probability: float
    words: str


class MembershipAnswer(ApiModel):
    """The time that one listing was in the restaurant; `until`: null while it is."""

    listing: str
    dataset: str
    decided_by: str
    is_live: bool
    since: datetime
    came_by: str
    came_from: str | None
    until: datetime | None
    went_by: str | None
    went_to: str | None
    evidence: EvidenceAnswer | None


class DecisionAnswer(ApiModel):
    """A person's decision on two listings: same, different or withdrawn."""

    one: str
    other: str
    verdict: str
    reason: str
    decided_by: str
    at: datetime
    run_id: str


class RevisedColumn(ApiModel):
    """A column of the identity before and after a change."""

    field: str
    before: Any
    after: Any


class RevisedField(ApiModel):
    """A field at a change: its value before, and its source after; null where it has no value after."""

    field: str
    before: Any
    verdict: FieldSource | None


class RevisionAnswer(ApiModel):
    """One change of the restaurant's record."""

    operation: str
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime
    identity: list[RevisedColumn]
    fields: list[RevisedField]


class StoryAnswer(ApiModel):
    """Everything that is known of a restaurant. `asked`: the id of the request, which may be that of a merged one."""

    restaurant_id: str
    asked: str
    merged_through: list[str]
    as_of: datetime | None
    field: str | None
    has_ended: bool
    fields: list[FieldSource]
    identity: list[IdentityEventAnswer]
    listings: list[MembershipAnswer]
    decisions: list[DecisionAnswer]
    revisions: list[RevisionAnswer]
    changes: list[TracedChangeAnswer]
