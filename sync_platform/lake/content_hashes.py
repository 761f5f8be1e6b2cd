"""The content hash of rows: equal for two versions of a record that say the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from sync_platform.sources.columns import Row, columns_of
from sync_platform.sources.declaration import Dataset


def line_hash(line: bytes) -> str:
    """The first 128 bits of the SHA-256 of a landed line (hex), for a record that cannot become a row."""
    return hashlib.sha256(line).hexdigest()[:32]


def content_hashes(dataset: Dataset, rows: Sequence[Row]) -> list[str]:
    """Per row, the first 128 bits of the SHA-256 of its JSON (hex).

    Absent and volatile columns are left out, and columns that hold one value of a set. Sets are sorted.
    """
    encoder = msgspec.json.Encoder(order="deterministic")
    columns = columns_of(dataset.row)
    without = dataset.volatile | {column.name for column in columns if column.one_of}
    sets = [column.name for column in columns if column.is_set]
    if not without and not sets:
        return [hashlib.sha256(encoder.encode(row)).hexdigest()[:32] for row in rows]
    hashes = []
    for row in rows:
        lasting = {name: value for name, value in msgspec.to_builtins(row).items() if name not in without}
        lasting |= {name: sorted(set(lasting[name])) for name in sets if lasting.get(name)}
        hashes.append(hashlib.sha256(encoder.encode(lasting)).hexdigest()[:32])
    return hashes
