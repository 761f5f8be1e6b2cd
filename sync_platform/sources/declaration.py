"""What a platform file declares: the platform, its terms and pace, its datasets and their personal fields.

Everything that is derived per platform (assets, schedules, pools, tables, docs) reads these classes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any, ClassVar, Literal

import msgspec

from sync_platform.sources.authentication import Authentication, NoAuthentication
from sync_platform.sources.columns import Row, columns_of
from sync_platform.sources.decoding import Decoding, decoding_of
from sync_platform.sources.endpoints import Endpoint
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fetching import pages_of_all
from sync_platform.sources.loose_records import read_loosely
from sync_platform.sources.period import Cadence
from sync_platform.sources.received import Page, Record
from sync_platform.sources.rules import CrossRule
from sync_platform.sources.source_ids import source_id_of
from sync_platform.vault.personal_fields import Personal


@dataclass(frozen=True)
class Agreement:
    """A condition that a record and the record of its platform that it refers to should meet together.

    `condition`: SQL over the record `m` and the referred record `r`; true, false, or null if it cannot be judged.
    """

    name: str
    words: str
    condition: str


@dataclass(frozen=True)
class Attachment:
    """Records that belong to a place, as rows of a table that all platforms share (unified/related_records.py).

    `table`: reviews, offers, reservations or posts. `columns`: its columns, each as SQL over this dataset's; a column
    that is not named here is this dataset's column of that name, if it has one.
    """

    table: Literal["reviews", "offers", "reservations", "posts"]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Window:
    """The days that a full list shows: those from `days` before the day observed on (Hong Kong).

    `column`: the row column, a date or a time, that gives the day of a row. A row of an earlier day that the list does
    not show is past, and so is one of the first day where the list is proven and accepted (lake/difference.py). A row
    of a later day is gone.
    """

    column: str
    days: int = 0

    def first_day(self, day: date) -> date:
        """The first day that a list observed on `day` shows. Some of its rows may have left the list before."""
        return day - timedelta(days=self.days)


@dataclass(frozen=True)
class YearlyFall:
    """A fall in the number of records that comes on the same day each year, and is made up for within `days`.

    `share`: the largest part of the records that leave. Monitoring expects any fall up to it (docs/anomalies.md).
    """

    month: int
    day: int
    share: float
    days: int

    def part(self, day: date) -> float:
        """The part of the fall that is still there on a day (Hong Kong): 1 on the day of the fall, then down to 0."""
        fell = date(day.year, self.month, self.day)
        if fell > day:
            fell = date(day.year - 1, self.month, self.day)
        return max(0.0, 1.0 - (day - fell).days / self.days)


@dataclass(frozen=True)
class Dataset:
    """One dataset of a platform: its table (`row`), and how records become rows of it.

    `key`       fields of the record that together identify it, joined by `/` to the `source_id`
    `also_sent` fields of the record that become no column, with their types: known, so no drift
    `in_scope`  returns True if a decoded record becomes a row; raises ValueError for a record that cannot
    `out_of_scope_because` why a record does not become a row, in words
    `decoding`  replaces the decoding that the row's columns describe, for records that they cannot describe
    `personal`  the personal fields of its records, and the person they belong to
    `volatile`  row columns kept current but left out of the content hash and of the history
    `cursor`    row column (a time) whose largest value is the watermark of the platform's delta, if it has one
    `deleted`   record field that is true where a delta reports the record as deleted
    `placeholders` texts that the platform writes for a blank, besides those of placeholders.py
    `rules`     rules between columns of one record
    `bilingual` pairs of columns: the first has English text, the second Chinese text
    `agreements` conditions between its records and the records that they refer to
    `is_reference` True if other platforms' records are compared with its records: the licence register
    `listing`   for a dataset of places: fields of a unified listing (unified/listings.py), as SQL over the columns; a
                field that is not named here is the column of that name
    `generation` row column (a date): the day on which the source says that it made the whole list, if it says so
    `attached`  the shared table in which its records appear, if they belong to a place
    `part`      the part of a list that a row belongs to (sources/gaps.py), as SQL over the columns, for a list that is
                read in parts; empty: the first column that refers to another dataset
    `window`    the days that a full list shows, if it does not show all: what leaves the window is past, not removed
    `yearly_fall` the fall in the number of records that comes each year, if there is one
    """

    name: str
    description: str
    row: type[Row]
    key: tuple[str, ...]
    also_sent: Mapping[str, Any] = field(default_factory=dict)
    in_scope: Callable[[Any], bool] | None = None
    out_of_scope_because: str = "they are out of scope"
    decoding: Decoding | None = None
    personal: Personal | None = None
    volatile: frozenset[str] = frozenset()
    cursor: str | None = None
    deleted: str | None = None
    placeholders: tuple[str, ...] = ()
    rules: tuple[CrossRule, ...] = ()
    bilingual: tuple[tuple[str, str], ...] = ()
    agreements: tuple[Agreement, ...] = ()
    is_reference: bool = False
    listing: Mapping[str, str] = field(default_factory=dict)
    attached: Attachment | None = None
    window: Window | None = None
    part: str = ""
    generation: str | None = None
    yearly_fall: YearlyFall | None = None

    @cached_property
    def record_decoding(self) -> Decoding:
        """How its records are decoded, and made rows of."""
        also_sent = {**self.also_sent, self.deleted: bool} if self.deleted else self.also_sent
        return self.decoding or decoding_of(self.row, self.key, also_sent, self.in_scope, self.placeholders)

    @property
    def part_of_row(self) -> str:
        """SQL over the columns: the name of the part of a list that a row belongs to; null for none."""
        parents = (f'"{column.name}"' for column in columns_of(self.row) if column.refers_to)
        return self.part or next(parents, "NULL")

    @property
    def wire(self) -> type[msgspec.Struct]:
        """The struct that a record is decoded into."""
        return self.record_decoding.wire

    @property
    def to_row(self) -> Callable[[Any], Row | None]:
        """Turns a decoded record into a row, or None for a record out of scope."""
        return self.record_decoding.to_row

    def is_deleted(self, record: Record) -> bool:
        """True for a record by which a delta reports a deletion; its mark may be 1, "true" or "Y" too."""
        mark = record.get(self.deleted) if self.deleted else None
        return mark is True or (mark is not None and read_loosely(mark, bool).value is True)

    def source_id(self, record: Record) -> str | None:
        """The record's `source_id`, or None where a key field is missing, blank or not a plain value."""
        return source_id_of(*map(record.get, self.key))


@dataclass(frozen=True)
class Terms:
    """The terms under which the platform's data may be used.

    `without_agreement` is what may be stored of a live platform when `<PLATFORM>_STORE` is not set.
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
    """The limits of requests to a platform: requests per second, requests in flight, and the wait after a bot wall."""

    requests_per_second: float
    concurrency: int
    wall_wait_s: float = 30.0


class Platform:
    """One platform: a subclass in `sync_platform/platforms/` declares everything about it.

    `authentication` and `fixed_headers` give the headers of every request; `endpoints` say where its datasets are
    listed. A platform that is fetched in another way overrides `pages`. `delta_overlap`: how late its records come, so
    that an incremental sync reads from so long before the watermark; more is learnt, up to `longest_overlap`
    (lake/late_records.py).
    """

    name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    live_base_url: ClassVar[str]
    live_archive_url: ClassVar[str] = ""
    cadence: ClassVar[Cadence]
    priority: ClassVar[Literal["high", "medium", "low"]]
    terms: ClassVar[Terms]
    pace: ClassVar[Pace]
    authentication: ClassVar[Authentication] = NoAuthentication()
    fixed_headers: ClassVar[Mapping[str, str]] = {}
    datasets: ClassVar[tuple[Dataset, ...]]
    endpoints: ClassVar[tuple[Endpoint, ...]] = ()
    has_delta: ClassVar[bool] = False
    has_archive: ClassVar[bool] = False
    delta_overlap: ClassVar[timedelta] = timedelta(days=1)
    longest_overlap: ClassVar[timedelta] = timedelta(days=31)
    shrink_tolerance: ClassVar[float] = 0.1
    has_etags: ClassVar[bool] = False
    html_is_a_wall: ClassVar[bool] = False

    def tolerance(self, day: date) -> float:
        """The share of the live records that may be gone after one period of the cadence, for a list of that day."""
        return self.shrink_tolerance

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        """The headers of every request; `credentials` has `api_key`, `app_id`, `app_secret`, `refresh_token`."""
        return {**self.fixed_headers, **self.authentication.headers(credentials)}

    def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        """Every page of every dataset, as it arrives; what is missing is reported to `extraction`."""
        return pages_of_all(extraction, self.endpoints)

    def dataset(self, name: str) -> Dataset:
        return next(dataset for dataset in self.datasets if dataset.name == name)
