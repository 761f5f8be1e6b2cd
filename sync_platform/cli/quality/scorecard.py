"""`sync-platform quality`: the scorecard as text, as JSON, or as one HTML page."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import report_problem, write_document, write_json
from sync_platform.errors import NoLakeYet
from sync_platform.platforms import choose, load_platforms
from sync_platform.quality.own_checks import load_own_checks
from sync_platform.quality.scorecard import cards_of
from sync_platform.quality.scorecard_document import scorecard_document
from sync_platform.quality.scorecard_json import card_json
from sync_platform.settings import load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake


def show_scorecard(platform: str | None, *, as_json: bool, as_html: bool) -> int:
    """Write the scorecard; 0 if every measured score reaches its threshold and every own check passes, else 1."""
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    if platform is not None:
        choose(platforms, [platform])
    problems = load_own_checks(settings.checks_folder, platforms, is_stated=settings.checks is not None).problems
    try:
        with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
            cards = cards_of(session, platform)
    except NoLakeYet:
        cards = []
    if as_json:
        write_json([card_json(card) for card in cards])
        for problem in problems:
            report_problem(f"own check {problem}")
    else:
        document = scorecard_document(cards, datetime.now(UTC), settings.environment, problems)
        write_document(document, "html" if as_html else "text", sys.stdout)
    return OK if all(card.passes for card in cards) and not problems else FAILED
