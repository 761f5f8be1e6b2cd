"""`sync-platform lineage show`: the story of a restaurant or of a record, from any value to its origin."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import write_document, write_json
from sync_platform.cli.preconditions import require_dataset
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_moment
from sync_platform.lineage.opened_history import opened_history
from sync_platform.lineage.record_story import RecordStory, StorySources, read_record_story
from sync_platform.lineage.restaurant_story import RestaurantStory, read_restaurant_story
from sync_platform.lineage.story_csv import write_story_csv
from sync_platform.lineage.story_document import story_document
from sync_platform.lineage.story_json import story_json
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.tables import COMPUTED_SCHEMAS, computed_tables

RESTAURANT = "restaurant"
EXPECTED = "name a restaurant (`restaurant rest-…`) or a record (`PLATFORM DATASET ID`)"


@dataclass(frozen=True)
class StorySubject:
    """The subject of a story: a record of a platform, or a restaurant, which has no platform."""

    platform: str | None
    dataset: str
    entity_id: str


def show_story(words: list[str], field: str | None, as_of: str | None, form: str) -> int:
    """Write a story to standard output; 0. UsageError for a record or a restaurant that does not exist."""
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    subject = _subject(words, platforms)
    moment = parse_moment(as_of) if as_of is not None else None
    with history_of(settings, platforms, moment) as history:
        if subject.platform is None:
            story: RestaurantStory | RecordStory = read_restaurant_story(history, platforms, subject.entity_id, field)
        else:
            story = read_record_story(history, subject.platform, subject.dataset, subject.entity_id, field)
    _write(story, form)
    return OK


@contextmanager
def history_of(
    settings: Settings, platforms: dict[str, Platform], as_of: datetime | None = None
) -> Iterator[StorySources]:
    """Open the history of an installation for reading. NoLakeYet where there is no lake.

    UsageError for a moment `as_of` that lies in the future or before the first commit.
    """
    from sync_platform.defs.resources import landing_store_of

    landing = landing_store_of(settings).open()
    with (
        Lake(LakeAddress.of(settings), read_only=True) as lake,
        opened_history(lake, settings.lineage_table_name, platforms, landing, as_of) as history,
    ):
        yield history


def _subject(words: list[str], platforms: dict[str, Platform]) -> StorySubject:
    match words:
        case [name] | ["restaurant", name] if name.startswith("rest-"):
            return StorySubject(None, RESTAURANT, name)
        case ["restaurant", name]:
            raise UsageError(f"{name!r} is no restaurant's id, which is rest-…; unified.restaurants has them")
        case [platform, dataset, source_id]:
            _require(platforms, platform, dataset)
            return StorySubject(platform, dataset, source_id)
        case _:
            raise UsageError(f"{' '.join(words)!r} is nothing that has a story: {EXPECTED}")


def _require(platforms: dict[str, Platform], platform: str, dataset: str) -> None:
    if platform not in COMPUTED_SCHEMAS:
        require_dataset(platforms, platform, dataset)
        return
    names = [name for schema, name in computed_tables() if schema == platform]
    if dataset not in names:
        raise UsageError(f"{platform} has no dataset {dataset!r}; it has {', '.join(names)}")


def _write(story: RestaurantStory | RecordStory, form: str) -> None:
    if form == "csv":
        write_story_csv(sys.stdout, story)
    elif form == "json":
        write_json(story_json(story))
    else:
        write_document(story_document(story, datetime.now(UTC)), form, sys.stdout)
