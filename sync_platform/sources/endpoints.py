"""Endpoints as platform files declare them: how a list is requested, and where its parts stand in an answer.

A path into an answer is dotted (`meta.total`). The value at a path that ends with `?` may be missing or null. The
value at any other path is required: an answer without it breaks the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from sync_platform.errors import ContractBroken, SyncError
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.list_reading import Slice
from sync_platform.sources.loose_json import TWO_VALUES
from sync_platform.sources.received import Record, integer_at, records_of
from sync_platform.sources.reply import Reply
from sync_platform.sources.wire_structs import WireField, struct_of, value_of

_SEPARATORS = re.compile(r"[/\\;]")


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Pages of `size` records. `total`: the path to the list's total in the answer.

    `limit`: the parameter for the page size; empty where the platform fixes the size.
    """

    size: int
    limit: str = "limit"
    total: str = ""


@dataclass(frozen=True, kw_only=True)
class NumberedPaging(Paging):
    """Pages 1 to n. `page`: the parameter. `pages`: the path to n in the answer; else n follows from the total."""

    page: str = "page"
    pages: str = ""


@dataclass(frozen=True, kw_only=True)
class CursorPaging(Paging):
    """Each page names the next. `cursor`: the parameter. `next_cursor`: the path to the next one in the answer."""

    cursor: str = "cursor"
    next_cursor: str


@dataclass(frozen=True, kw_only=True)
class OffsetPaging(Paging):
    """Pages until the list ends. `offset`: the parameter; with `counts_pages` it is a page number, from 1."""

    offset: str = "offset"
    counts_pages: bool = False

    def position(self, number: int) -> dict[str, int]:
        """The parameter for an offset, or for the number of a page, from 0."""
        return {self.offset: number + 1 if self.counts_pages else number}


@dataclass(frozen=True, kw_only=True)
class IdPaging(Paging):
    """For records that are requested by id, `size` ids per request. `ids`: the parameter for the ids."""

    ids: str = "id"
    limit: str = ""


@dataclass(frozen=True)
class Day:
    """A parameter: the day that the extraction observes, in Hong Kong, or the day `ahead` days after it."""

    ahead: int = 0

    def text(self, day: date) -> str:
        return (day + timedelta(days=self.ahead)).isoformat()


@dataclass(frozen=True)
class ErrorCode:
    """For a platform that reports errors inside HTTP 200: a code other than `ok` is an error.

    `error_of`: makes the error from the code, the platform's message, and a sentence with both. `code` and `message`:
    where these stand.
    """

    ok: str | int
    error_of: Callable[[Any, str, str], SyncError]
    code: str = "code"
    message: str = "message?"

    @cached_property
    def _envelope(self) -> type[msgspec.Struct]:
        return _envelope_of({self.code: type(self.ok), self.message: Any})

    def check(self, reply: Reply, body: Any) -> None:
        """Raises the error of an answer whose code is not `ok`. A message that is no text does not hide the code."""
        outcome = reply.shaped(body, self._envelope)
        code, message = value_of(outcome, self.code), value_of(outcome, self.message.rstrip("?"))
        message = message if isinstance(message, str) else ""
        if code != self.ok:
            reason = message[:200] or "no message"
            raise self.error_of(code, message, f"{reply.platform}: {reply.url} answered code {code}: {reason}")


@dataclass(frozen=True)
class Endpoint:
    """Where one dataset's records are listed.

    `records`   where they stand in the answer; empty where the answer is the list itself
    `wrapped_in` the field of a list's item that holds the record, if some answers wrap it
    `paging`    None where one answer has all records
    `params`    parameters of every request; a `Day` among them becomes a date
    `since`     the parameter that asks for the changes since the watermark, where the platform has such a delta
    `since_day_only` the watermark is sent as a day
    `error_code` for a platform that reports errors inside HTTP 200
    """

    dataset: str
    path: str
    records: str
    paging: Paging | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    since: str | None = None
    since_day_only: bool = False
    wrapped_in: str = ""
    error_code: ErrorCode | None = None

    @property
    def page_rows(self) -> int:
        """The most records of one answer; TypeError where one answer has them all."""
        if self.paging is None:
            raise TypeError(f"{self.path} is not paged")
        return self.paging.size

    @cached_property
    def _envelope(self) -> type[msgspec.Struct]:
        paging = self.paging
        places: dict[str, Any] = {paging.total: int} if paging else {}
        if isinstance(paging, NumberedPaging):
            places[paging.pages] = int
        if isinstance(paging, CursorPaging):
            places[paging.next_cursor.rstrip("?") + "?"] = str
        return _envelope_of({self.records: list[Any], **places})

    @cached_property
    def _envelope_of_records(self) -> type[msgspec.Struct]:
        return _envelope_of({self.records: list[Any]})

    def query(self, extraction: Extraction) -> dict[str, Any]:
        """The parameters that do not change from page to page."""
        params = {
            name: value.text(extraction.day) if isinstance(value, Day) else value for name, value in self.params.items()
        }
        if self.paging and self.paging.limit:
            params[self.paging.limit] = self.paging.size
        since = extraction.scope.since.get(self.dataset)
        if self.since and since:
            params[self.since] = since[:10] if self.since_day_only else since
        return params

    def is_delta(self, extraction: Extraction) -> bool:
        """True if the requests ask only for what changed since the watermark."""
        return bool(self.since and extraction.scope.since.get(self.dataset))

    def read(self, reply: Reply) -> Slice:
        """One page of the list; ContractBroken where the answer has another shape, or the error of its code.

        An answer without content has no records. Records are read although the values beside them that say how the list
        goes on cannot be: the slice says so, and the list has a gap.
        """
        if reply.has_no_content:
            return Slice([], reply)
        body = reply.json()
        if self.error_code:
            self.error_code.check(reply, body)
        if not self.records:
            return Slice(records_of(reply.shaped(body, list[Any])), reply)
        try:
            envelope = reply.shaped(body, self._envelope)
        except ContractBroken as error:
            records = self._records_in(reply, reply.shaped(body, self._envelope_of_records))
            if not records:
                raise
            return Slice(records, reply, problem=f"{error.field}: {error.problem}")

        def found(path: str) -> Any:
            return value_of(envelope, path.rstrip("?")) if path else None

        paging = self.paging
        total = found(paging.total) if paging else None
        next_cursor = found(paging.next_cursor) or None if isinstance(paging, CursorPaging) else None
        pages = found(paging.pages) if isinstance(paging, NumberedPaging) else None
        return Slice(self._records_in(reply, envelope), reply, total, pages, next_cursor)

    def _records_in(self, reply: Reply, envelope: Any) -> list[Record]:
        listed = value_of(envelope, self.records)
        if listed == TWO_VALUES:
            raise ContractBroken(reply.platform, reply.url, "1", f"$.{self.records}", "two lists of one name")
        records = records_of(listed)
        if not self.wrapped_in:
            return records
        return [inner if isinstance(inner := record.get(self.wrapped_in), dict) else record for record in records]


@dataclass(frozen=True)
class ChildCount:
    """How many children a parent's record counts: an integer at `path`, dotted. A parent that counts 0 has none.

    `promises_list`: True if what is counted is listed, so that a parent that counts children and lists none is a gap.
    False if the count says nothing about the list, such as a count of ratings that mostly have no text.
    """

    path: str
    promises_list: bool

    @cached_property
    def read(self) -> Callable[[Record], int | None]:
        """Reads the count from a parent's record; None where the record does not say."""
        return integer_at(self.path)


@dataclass(frozen=True)
class ChildEndpoint(Endpoint):
    """A list per record of another dataset (the reviews of one restaurant): `{parent}` in the path is its `source_id`.

    `parent`: the other dataset. `count`: where a parent's record counts its children, and what that count means; a
    parent that counts 0 is not requested. `parent_field`: the field in which each child receives the parent's id, if
    the platform does not send it.
    """

    parent: str = "restaurants"
    count: ChildCount | None = None
    parent_field: str = ""

    def path_of(self, parent: str) -> str:
        """The path of one parent's list; ValueError where `path_segment` refuses its id."""
        return self.path.replace("{parent}", path_segment(parent))


def path_segment(source_id: str) -> str:
    """An id as one segment of a path, every reserved character quoted (RFC 3986).

    ValueError for an id that a server could read as another path: with a segment that is empty, `.` or `..`, or with
    white space around it. The answer could then belong to another record.
    """
    segments = _SEPARATORS.split(unquote(source_id))
    if source_id != source_id.strip() or any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"the id {source_id!r} could be read as another path")
    return quote(source_id, safe="")


def _envelope_of(places: Mapping[str, Any]) -> type[msgspec.Struct]:
    """A struct with the values that stand at these paths; an empty path is left out."""
    fields = {path.rstrip("?"): WireField(kind, not path.endswith("?")) for path, kind in places.items() if path}
    return struct_of("Envelope", fields)
