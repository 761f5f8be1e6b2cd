"""The scope of one extraction: which records it requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class Scope:
    """Which records one extraction requests.

    `since`     per dataset, the watermark from which an incremental extraction reads (overlap included)
    `taken_in`  the last sync of the period, if the lake committed all of it: a source that answers "not modified" (304)
                means that sync's content
    `archive_period` for a past period of a platform with an archive: its first and last day, both included
    """

    mode: Literal["full", "incremental"] = "full"
    since: Mapping[str, str] = field(default_factory=dict)
    archive_period: tuple[date, date] | None = None
    taken_in: str | None = None
