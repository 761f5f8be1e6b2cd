"""`GET /quality`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.emergency_answer import SourceName
from sync_platform.api.envelope import Envelope, documented_errors, enveloped
from sync_platform.api.permission import permitted
from sync_platform.api.quality_answer import QualityAnswer, QualityList
from sync_platform.errors import NoLakeYet
from sync_platform.permissions.action import Action
from sync_platform.platforms import choose
from sync_platform.quality.scorecard import DatasetCard, cards_of
from sync_platform.quality.scorecard_json import card_json


def add_quality(router: APIRouter, context: ApiContext) -> None:
    """Add the scorecard."""

    @router.get(
        "/quality",
        operation_id="readQuality",
        response_model=Envelope[QualityList],
        responses=documented_errors(),
        dependencies=[Depends(permitted(context, Action.read_data))],
        tags=["state"],
    )
    def read_quality(
        source: Annotated[SourceName | None, Query(description="Only datasets of this platform.")] = None,
    ) -> Response:
        """The scores of every dataset in its newest period, with what they are computed from, findings and trend."""
        if source is not None:
            choose(context.platforms, [source])
        items = [QualityAnswer.model_validate(card_json(card)) for card in _cards(context, source)]
        return enveloped(QualityList, QualityList(items=items))


def _cards(context: ApiContext, platform: str | None) -> list[DatasetCard]:
    try:
        with context.lake.session() as session:
            return cards_of(session, platform)
    except NoLakeYet:
        return []
