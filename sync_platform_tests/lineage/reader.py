"""Functions that read stories from a lake harness, or from a unification harness, in which nothing is landed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sync_platform.documents.text import text_of
from sync_platform.lake.chain import chained_digest
from sync_platform.lineage.origin import OriginFinder
from sync_platform.lineage.record_story import RecordStory, StorySources, read_record_story
from sync_platform.lineage.restaurant_story import RestaurantStory, read_restaurant_story
from sync_platform.lineage.story_document import story_document
from sync_platform.storage.folder_store import FolderStore
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.unified.harness import UnificationHarness


@contextmanager
def history_of(harness: LakeHarness, as_of: datetime | None = None) -> Iterator[StorySources]:
    with harness.lake.session() as session, harness.lake.session() as other:
        landing = OriginFinder(harness.store, {harness.platform.name: harness.platform}, partial(chained_digest, other))
        yield StorySources(session, HISTORY, landing, as_of)


def dish(harness: LakeHarness, source_id: str, field: str | None = None, as_of: datetime | None = None) -> RecordStory:
    with history_of(harness, as_of) as history:
        return read_record_story(history, "diner", "dishes", source_id, field)


def restaurant(
    harness: UnificationHarness, name: str, field: str | None = None, as_of: datetime | None = None
) -> RestaurantStory:
    with harness.lake.session() as session:
        landing = OriginFinder(FolderStore(Path(harness.folder) / "landing_store"), harness.platforms, lambda key: None)
        return read_restaurant_story(StorySources(session, HISTORY, landing, as_of), harness.platforms, name, field)


def text_of_story(story: RestaurantStory | RecordStory) -> str:
    return text_of(story_document(story, datetime.now(UTC)))
