"""What stories are read with in tests: a lab's lake and landing, or a town's, where nothing is landed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sync_platform.documents.text import text_of
from sync_platform.lake.chain import sealed_digest
from sync_platform.lineage.origin import Landing
from sync_platform.lineage.record import History, RecordStory, read_record_story
from sync_platform.lineage.restaurant import RestaurantStory, read_restaurant_story
from sync_platform.lineage.story_document import story_document
from sync_platform.storage.objects import FolderStore
from sync_platform_tests.lake.lab import HISTORY, Lab
from sync_platform_tests.unified.town import Town


@contextmanager
def history_of(lab: Lab, as_of: datetime | None = None) -> Iterator[History]:
    with lab.lake.session() as session, lab.lake.session() as other:
        landing = Landing(lab.store, {lab.platform.name: lab.platform}, partial(sealed_digest, other))
        yield History(session, HISTORY, landing, as_of)


def dish(lab: Lab, source_id: str, field: str | None = None, as_of: datetime | None = None) -> RecordStory:
    with history_of(lab, as_of) as history:
        return read_record_story(history, "diner", "dishes", source_id, field)


def restaurant(town: Town, name: str, field: str | None = None, as_of: datetime | None = None) -> RestaurantStory:
    with town.lake.session() as session:
        landing = Landing(FolderStore(Path(town.folder) / "landing_store"), town.platforms, lambda key: None)
        return read_restaurant_story(History(session, HISTORY, landing, as_of), town.platforms, name, field)


def text_of_story(story: RestaurantStory | RecordStory) -> str:
    return text_of(story_document(story, datetime.now(UTC)))
