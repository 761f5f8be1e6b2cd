"""What freshness is computed from: the records of syncs, and the datasets that are stored of a platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, all_syncs
from sync_platform.landing.source import is_ids_only
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.settings import platform_settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake


def read_records(lake: Lake) -> Mapping[str, Sequence[SyncRecord]]:
    """The final records of all syncs, by platform; empty where there is no lake. StorageError as `Lake` raises it."""
    try:
        return final_records(all_syncs(lake))
    except NoLakeYet:
        return {}


def newest_received(records: Mapping[str, Sequence[SyncRecord]]) -> set[str]:
    """The ids of the newest sync of each dataset that brought records. `records`: the final ones, by platform."""
    newest: dict[tuple[str, str], SyncRecord] = {}
    for record in (each for found_records in records.values() for each in found_records):
        key = (record.platform, record.dataset or "")
        known_record = newest.get(key)
        if record.records and (known_record is None or _order(record) > _order(known_record)):
            newest[key] = record
    return {each.sync_id for each in newest.values()}


def _order(record: SyncRecord) -> tuple[str, datetime, str]:
    return record.partition, record.observed_at, record.sync_id


def stored_datasets(platform: Platform) -> list[str]:
    """The names of the datasets that are stored of a platform: only the first where only ids may be stored."""
    names = [dataset.name for dataset in platform.datasets]
    return names[:1] if is_ids_only(platform, platform_settings(platform.name)) else names
