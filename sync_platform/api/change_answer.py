"""Changes as the API answers them. The names of fields are columns of the lake (docs/datasets.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from sync_platform.api.envelope import ApiModel
from sync_platform.lineage.changes import Change


class ChangedField(ApiModel):
    """A column before and after a change. Personal values are not shown: `sealed`."""

    field: str
    before: Any
    after: Any


class ChangeAnswer(ApiModel):
    """One change of a record. `platform` is `unified` for restaurants made of several listings.

    `observedAt`: when it was so; `committedAt`: when it was learned.
    """

    platform: str
    dataset: str
    entity_id: str
    operation: str = Field(description="insert, update, remove, expire or restore.")
    fields: list[ChangedField]
    partition: str
    sync_id: str
    run_id: str
    observed_at: datetime
    committed_at: datetime


class ChangeFeed(ApiModel):
    """A part of the feed. `next`: the `since` of the next request, also at the end of the feed: keep it."""

    items: list[ChangeAnswer]
    next: str
    has_more: bool


def change_answer(change: Change) -> ChangeAnswer:
    known = change.columns(name for name in ChangeAnswer.model_fields if name != "fields")
    fields = [ChangedField(field=field.field, before=field.before, after=field.after) for field in change.fields]
    return ChangeAnswer(**known, fields=fields)
