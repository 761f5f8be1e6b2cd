"""What a platform file declares: the platform, its terms and pace, its datasets, and whose the personal fields are.

Everything that is derived per platform (assets, schedules, pools, tables, docs) reads these classes; nothing here
fetches or stores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import orjson

from sync_platform.sources.period import Cadence
from sync_platform.sources.rules import CrossRule, Rule
from sync_platform.vault.personal_fields import Personal

if TYPE_CHECKING:
    from sync_platform.sources.extraction import Extraction, Page

__all__ = [
    "Agreement",
    "Attached",
    "Dataset",
    "Identity",
    "Pace",
    "Personal",
    "Platform",
    "Record",
    "Row",
    "Scope",
    "Terms",
    "column",
    "records_of",
]

Record = dict[str, Any]
"""One record as the platform sent it (JSON), personal fields sealed once it is past the vault."""


Identity = int | str
"""An id as platforms send it: what one page writes as a number, another may write as text. A row's is text always."""


def records_of(items: list[Any]) -> list[Record]:
    """The records of a list as sent. An item that is no object, or is nested deeper than can be landed, is one that
    fits no contract: quarantine is for it alone.

    Of such an item only what it is is kept: it may hold what is personal, and no field tells.
    """
    records = [item if isinstance(item, dict) else {"no_record": type(item).__name__} for item in items]
    if _can_be_landed(records):
        return records
    return [record if _can_be_landed(record) else {"no_record": "nested too deep"} for record in records]


def _can_be_landed(value: Any) -> bool:
    """orjson reads JSON 1,024 levels deep, and writes 254."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


@dataclass(frozen=True)
class Meaning:
    """What a declaration says of a column; `text` with its unit."""

    text: str
    sealed: bool = False
    matters: bool = False
    rules: tuple[Rule, ...] = ()
    refers_to: str | None = None


def column(
    description: str,
    *,
    unit: str | None = None,
    sealed: bool = False,
    matters: bool = False,
    rules: tuple[Rule, ...] = (),
    refers_to: str | None = None,
) -> msgspec.Meta:
    """The meaning of a column: it becomes the table's column comment, the schema shown in Dagster, and the contract.

    `matters`: a record without it is hardly of use, so completeness counts it. `refers_to`: the dataset of the same
    platform whose `source_id` it holds.
    """
    text = f"{description} ({unit})" if unit else description
    return msgspec.Meta(extra={"meaning": Meaning(text, sealed, matters, rules, refers_to)})


class Row(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One typed row of a dataset's table; a field's `Annotated[..., column(...)]` is its column's definition.

    Times are timezone-aware and stored in UTC; absent is None, never an empty string.
    """

    source_id: Annotated[str, column("The platform's own id of the record, as text")]


@dataclass(frozen=True)
class Agreement:
    """What a record should agree on with the one of its platform that it refers to.

    `condition`: SQL, true or false or (not to be judged) null, over the record `m` and the referred one `r`.
    """

    name: str
    words: str
    condition: str


@dataclass(frozen=True)
class Attached:
    """Records that hang on a place, as rows of a table that all platforms share (unified/related_records.py).

    `table`: reviews, offers, reservations or posts. `columns`: its columns, each as SQL over this dataset's.
    """

    table: Literal["reviews", "offers", "reservations", "posts"]
    columns: Mapping[str, str]


@dataclass(frozen=True)
class Dataset:
    """One dataset of a platform: the shape received (`wire`), the shape stored (`row`), and the way between.

    `key`       fields of the record that together identify it, joined by `/` to the `source_id`
    `to_row`    turns a decoded record into a row, or None for a record that is not one of ours
    `volatile`  row columns kept current but left out of the content hash and of the history
    `cursor`    row column (a time) whose largest value is the watermark of the platform's delta, if it has one
    `deleted`   record field that is true where a delta says "this one is gone"
    `rules`     what holds between columns of one record
    `bilingual` the columns of an English and a Chinese text that are each in their own language, in pairs
    `agreements` what its records should agree on with those they refer to
    `is_reference` whether other platforms' records are held against these: the licence register
    `listing`   of a dataset of places, what unified restaurants read of a record (unified/listings.py), as SQL over its
                columns, where it is not simply the column of that name
    `attached`  the shared table that its records appear in, where they hang on a place
    `listed_from` row column (a date) where a full list starts at the day asked: rows before it are past, not gone
    """

    name: str
    description: str
    wire: type[msgspec.Struct]
    row: type[Row]
    to_row: Callable[[Any], Row | None]
    key: tuple[str, ...]
    personal: Personal | None = None
    volatile: frozenset[str] = frozenset()
    cursor: str | None = None
    deleted: str | None = None
    rules: tuple[CrossRule, ...] = ()
    bilingual: tuple[tuple[str, str], ...] = ()
    agreements: tuple[Agreement, ...] = ()
    is_reference: bool = False
    listing: Mapping[str, str] = field(default_factory=dict)
    attached: Attached | None = None
    listed_from: str | None = None

    def source_id(self, record: Record) -> str | None:
        """The record's `source_id`, or None where a key field is missing, empty or not a plain value."""
        if len(self.key) == 1:
            part = record.get(self.key[0])
            return str(part) if isinstance(part, str | int) and part != "" else None
        parts = [record.get(name) for name in self.key]
        if not all(isinstance(part, str | int) and part != "" for part in parts):
            return None
        return "/".join(str(part) for part in parts)


@dataclass(frozen=True)
class Terms:
    """On what terms the platform's data may be used.

    `without_agreement` is what may be stored of a live platform when `<PLATFORM>_STORE` says nothing else.
    """

    licence: str
    url: str
    agreement_needed: bool
    cache_days: int | None = None
    without_agreement: Literal["everything", "ids"] = "everything"

    @property
    def summary(self) -> str:
        """One line for tables and metadata."""
        parts = [self.licence]
        if self.agreement_needed:
            parts.append("written agreement needed")
        if self.cache_days is not None:
            parts.append(f"content kept at most {self.cache_days} days")
        if self.without_agreement == "ids":
            parts.append("ids only without an agreement")
        return "; ".join(parts)


@dataclass(frozen=True)
class Pace:
    """How hard a platform may be asked: requests per second, requests in flight, and the wait after a bot wall."""

    requests_per_second: float
    concurrency: int
    wall_wait_s: float = 30.0


class Platform(ABC):
    """One platform. A subclass in `sync_platform/platforms/` is all there is to say about it."""

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    live_base_url: ClassVar[str]
    live_archive_url: ClassVar[str] = ""
    cadence: ClassVar[Cadence]
    priority: ClassVar[Literal["high", "medium", "low"]]
    terms: ClassVar[Terms]
    pace: ClassVar[Pace]
    datasets: ClassVar[tuple[Dataset, ...]]
    has_delta: ClassVar[bool] = False
    has_archive: ClassVar[bool] = False
    delta_overlap: ClassVar[timedelta] = timedelta(days=1)
    shrink_tolerance: ClassVar[float] = 0.1
    has_etags: ClassVar[bool] = False
    html_is_a_wall: ClassVar[bool] = False

    def tolerance(self, day: date) -> float:
        """The largest share of live records that may leave in one full sync observed on `day`."""
        return self.shrink_tolerance

    @abstractmethod
    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """The headers of every request; `credentials` has `api_key`, `app_id`, `app_secret`, `refresh_token`."""

    @abstractmethod
    def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        """Every page of every dataset, as it arrives; what cannot be had is told to `extraction`."""

    def dataset(self, name: str) -> Dataset:
        return next(dataset for dataset in self.datasets if dataset.name == name)


@dataclass(frozen=True)
class Scope:
    """What one extraction asks for.

    `since`       per dataset, the watermark from which an incremental extraction reads (overlap included)
    `taken_in` the last sync of the period, where the lake took it in whole: what the source says is as before (304) is
                it once more
    `archive_period` for a past period of a platform with an archive: its first and last day, both included
    """

    mode: Literal["full", "incremental"] = "full"
    since: Mapping[str, str] = field(default_factory=dict)
    archive_period: tuple[date, date] | None = None
    taken_in: str | None = None
