"""`sync-platform quality`: the scorecard as text, as JSON, or as one HTML page."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import write_document, write_json
from sync_platform.errors import NoLakeYet
from sync_platform.platforms import choose, load_platforms
from sync_platform.quality.scorecard import cards_of
from sync_platform.quality.scorecard_document import scorecard_document
from sync_platform.quality.scorecard_json import card_json
from sync_platform.settings import load_settings
from sync_platform.storage.lake_connection import Lake, LakeAddress


def show_scorecard(platform: str | None, *, as_json: bool, as_html: bool) -> int:
    """Write the scorecard; 0 if every score that was measured reaches its threshold, else 1."""
    settings = load_settings()
    if platform is not None:
        choose(load_platforms(settings.platform_path), [platform])
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            cards = cards_of(session, platform)
    except NoLakeYet:
        cards = []
    if as_json:
        write_json([card_json(card) for card in cards])
    else:
        document = scorecard_document(cards, datetime.now(UTC), settings.environment)
        write_document(document, "html" if as_html else "text", sys.stdout)
    falls_short = any(scored.falls_short for card in cards for scored in card.dimensions.values())
    return FAILED if falls_short else OK
