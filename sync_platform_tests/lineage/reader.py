"""What stories are read with in tests: a lab's lake and landing, or a town's, where nothing is landed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

from sync_platform.lake.chain import sealed_digest
from sync_platform.lineage.origin import Landing
from sync_platform.lineage.record import History, RecordStory, tell_record
from sync_platform.lineage.restaurant import RestaurantStory, tell_restaurant
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
        return tell_record(history, "diner", "dishes", source_id, field)


def restaurant(town: Town, name: str, field: str | None = None, as_of: datetime | None = None) -> RestaurantStory:
    with town.lake.session() as session:
        landing = Landing(FolderStore(Path(town.folder) / "landing_store"), town.platforms, lambda key: None)
        return tell_restaurant(History(session, HISTORY, landing, as_of), town.platforms, name, field)
