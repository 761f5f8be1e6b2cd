"""The food authority's licence register as the sandbox simulates it: two XML files, and the archive of past days.

What belongs here: which licences are in the register on a day, and which files there are. What doesn't: the text of a
file (see `licence_files`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cached_property, lru_cache
from urllib.parse import urlsplit
from zlib import crc32

from sync_platform.sandbox.chance import draws
from sync_platform.sandbox.cursors import HONG_KONG
from sync_platform.sandbox.evolution import HISTORY_BEGINS, RegisteredLicence
from sync_platform.sandbox.faults import UNPAGED
from sync_platform.sandbox.licence_files import XmlRecord, write_damaged, write_head, write_row
from sync_platform.sandbox.platform_view import PlatformView, TrueListing
from sync_platform.sandbox.true_places import TruePlace
from sync_platform.sandbox.wire import (
    ListAnswer,
    ListPage,
    RenderedRows,
    WireReply,
    WireRequest,
    json_reply,
    list_answer,
)

XML = "text/xml; charset=utf-8"
FILES = {"LP_Restaurants_EN.XML": "en", "LP_Restaurants_TC.XML": "tc"}
PATHS = {
    "/english/licensing/license/text/LP_Restaurants_EN.XML": "en",
    "/tc_chi/licensing/license/text/LP_Restaurants_TC.XML": "tc",
}
EMPTY_DAY = date(2023, 1, 28)
_ARCHIVE = "/archive/v1/historical-archive"
_MISSING_SHARE, _TWICE_SHARE = 0.022, 0.15


class Register(PlatformView):
    """The register today, and on every archived day since 2023 began."""

    platform = "data_gov_hk"
    share = 1.0
    faults = UNPAGED
    special_faults = {
        "bad-xml": "the first record has an unclosed tag, the last one a control character, and every & is bare",
        "mismatch": "this file's generation date is a day older",
        "outdated": "the file of two days before is sent, as from a stale cache",
    }
    has_archive = True

    def answer(self, request: WireRequest) -> WireReply | ListAnswer:
        if language := PATHS.get(request.path):
            return self._live(language, request)
        if request.path == f"{_ARCHIVE}/list-file-versions":
            return self._versions(request)
        return self._archived(request) if request.path == f"{_ARCHIVE}/get-file" else self.missing(request)

    def truth(self) -> Iterator[TrueListing]:
        for place, licence in self.licences:
            yield TrueListing(place, licence.number, licence.since, licence.until)

    @cached_property
    def licences(self) -> list[tuple[TruePlace, RegisteredLicence]]:
        """Every licence that has been in the register, by type and number."""
        licences = [
            (place, licence)
            for place in self.places
            for licence in place.licences
            if licence.since <= self.today and licence.until > HISTORY_BEGINS
        ]
        licences.sort(key=lambda pair: (pair[1].kind, pair[1].number))
        return licences

    @cached_property
    def _file(self) -> Callable[[str, date], tuple[ListAnswer, WireReply]]:
        return lru_cache(4)(self._build_file)

    def _build_file(self, language: str, day: date) -> tuple[ListAnswer, WireReply]:
        """The file of a day: as a list that faults can change, and as a finished reply."""
        rows = []
        if day != EMPTY_DAY:
            rows = [
                (place, licence, expiry)
                for place, licence in self.licences
                if (expiry := licence.expires(day)) is not None
            ]

        def wrap(page: ListPage, generated: date = day) -> bytes:
            return write_head(language, generated) + b"".join(page.rows) + b"</LPS>\n</DATA>\n"

        def older(answer: ListAnswer) -> ListAnswer:
            return replace(answer, wrap=lambda page: wrap(page, day - timedelta(days=1)))

        def damaged(answer: ListAnswer) -> ListAnswer:
            return replace(answer, wrap=lambda page: write_damaged(wrap(page)))

        def before(answer: ListAnswer) -> ListAnswer:
            return self._file(language, day - timedelta(days=2))[0]

        rendered = RenderedRows(rows, lambda row: write_row(language, day, *row))
        plain = list_answer(rendered[:], 0, len(rows) or 1, wrap, XmlRecord())
        answer = replace(plain, content_type=XML, special={"mismatch": older, "bad-xml": damaged, "outdated": before})
        return answer, answer.reply()

    def _live(self, language: str, request: WireRequest) -> WireReply | ListAnswer:
        answer, reply = self._file(language, self.today)
        etag = f'"{self.today:%Y%m%d}-{crc32(reply.body):08x}"'
        changed = datetime(self.today.year, self.today.month, self.today.day, tzinfo=HONG_KONG)
        stamped = format_datetime(changed.astimezone(UTC), usegmt=True)
        headers = ((b"etag", etag.encode()), (b"last-modified", stamped.encode()))
        if etag in request.header(b"if-none-match"):
            return WireReply(b"", 304, XML, headers)
        return replace(answer, headers=headers)

    def _versions_of(self, day: date) -> list[tuple[str, date]]:
        """(timestamp, day whose state the file shows) of a day's versions; the first of two shows the day before."""
        stream = draws(self.seed, "archive", day.toordinal())
        if day != EMPTY_DAY and stream.random() < _MISSING_SHARE:
            return []
        minute = stream.randint(0, 59)
        versions = [(f"{day:%Y%m%d}-09{minute:02d}", day)]
        if day != EMPTY_DAY and stream.random() < _TWICE_SHARE:
            versions.insert(0, (f"{day:%Y%m%d}-00{minute:02d}", day - timedelta(days=1)))
        return versions

    def _versions(self, request: WireRequest) -> WireReply:
        first, last = _read_day(request.text("start")), _read_day(request.text("end"))
        if _language(request) is None:
            return json_reply({"message": "url: no file with this name is archived"}, 404)
        if not first or not last or first > last:
            return json_reply({"message": "start and end must be YYYYMMDD, start not after end"}, 400)
        if last >= self.today:
            return json_reply({"message": "end must be yesterday at the latest"}, 400)
        first = max(first, HISTORY_BEGINS)
        days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
        return json_reply({"timestamps": [stamp for day in days for stamp, _ in self._versions_of(day)]})

    def _archived(self, request: WireRequest) -> WireReply | ListAnswer:
        language, stamp = _language(request), request.text("time")
        day = _read_day(stamp[:8])
        if language is None or not day or not HISTORY_BEGINS <= day < self.today:
            return json_reply({"message": f"no file at {stamp!r}"}, 404)
        file = dict(self._versions_of(day)).get(stamp)
        if not file:
            return json_reply({"message": f"no file at {stamp!r}"}, 404)
        return self._file(language, max(file, HISTORY_BEGINS))[0]


def _language(request: WireRequest) -> str | None:
    return FILES.get(urlsplit(request.text("url")).path.rpartition("/")[2])


def _read_day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
