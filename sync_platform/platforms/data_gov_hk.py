"""The licence register of Hong Kong's food authority (FEHD): two XML files, one per language, and their archive.

A licence is not a restaurant: it ends, is renewed late, or is replaced by another number for the same shop.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import msgspec

from sync_platform.errors import PermanentError
from sync_platform.platforms._licence_files import (
    LANGUAGES,
    TYPES,
    LicenceFile,
    codes_of,
    contradictions,
    joined,
    read_file,
)
from sync_platform.sources.client import is_loopback
from sync_platform.sources.columns import Row, column, sent_as
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms, YearlyFall
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.place import Place
from sync_platform.sources.received import Page
from sync_platform.sources.rules import OneOf, Shaped
from sync_platform.sources.scalars import day_in
from sync_platform.sources.unchanged_files import is_unchanged

PATHS = (
    "/english/licensing/license/text/LP_Restaurants_EN.XML",
    "/tc_chi/licensing/license/text/LP_Restaurants_TC.XML",
)
ARCHIVE = "/v1/historical-archive"
PAGE_RECORDS = 2000
MISMATCH_REFETCHES = 3
MISMATCH_WAIT_S = 20.0
LOOPBACK_WAIT_S = 0.05

LEFTOVERS = str.maketrans({"\ue517": "鰂", "\ue16e": "愨", "\ue061": "滙", "\ue77f": "脷"})
"""Private Use characters that the register still holds for Big5-HKSCS ones."""


def _plain(text: str | None) -> str | None:
    """The text in NFKC with single spaces; None for a blank."""
    if text is None:
        return None
    # the leftovers are replaced first: NFKC keeps them, and other software would drop them
    plain = " ".join(unicodedata.normalize("NFKC", text.translate(LEFTOVERS)).split())
    return plain or None


def _plain_texts(texts: list[str] | None) -> list[str]:
    return [plain for text in texts or [] if (plain := _plain(text))]


class Licence(Row):
    """One restaurant licence, its two files' records joined: `_EN` and `_TC` in a field's name say which file's."""

    source_id: Annotated[str, column("Licence number", rules=(Shaped(r"\d{10}", "ten digits"),))]
    licence_type: Annotated[
        str | None, column("Kind of licence: RL, RR or MR", matters=True, rules=(OneOf(tuple(TYPES)),)), sent_as("TYPE")
    ] = None
    licence_type_en: Annotated[str | None, column("Kind of licence in English"), sent_as("TYPE_EN", convert=_plain)] = (
        None
    )
    licence_type_zh: Annotated[
        str | None, column("Kind of licence in Traditional Chinese"), sent_as("TYPE_TC", convert=_plain)
    ] = None
    district_code: Annotated[
        str | None,
        column(
            "FEHD district, two digits: not a District Council district",
            matters=True,
            rules=(Shaped(r"\d\d", "two digits"),),
        ),
        sent_as("DIST"),
    ] = None
    district_en: Annotated[str | None, column("FEHD district in English"), sent_as("DIST_EN", convert=_plain)] = None
    district_zh: Annotated[
        str | None, column("FEHD district in Traditional Chinese"), sent_as("DIST_TC", convert=_plain)
    ] = None
    name_en: Annotated[
        str | None,
        column("Shop sign as the English file has it: Chinese where only that is registered", matters=True),
        sent_as("SS_EN", convert=_plain),
    ] = None
    name_zh: Annotated[
        str | None,
        column("Shop sign as the Chinese file has it: English where only that is registered", matters=True),
        sent_as("SS_TC", convert=_plain),
    ] = None
    address_en: Annotated[Place.AddressEn, sent_as("ADR_EN", convert=_plain)] = None
    address_zh: Annotated[Place.AddressZh, sent_as("ADR_TC", convert=_plain)] = None
    info_codes: Annotated[
        list[str],
        column("What the licence also covers, as codes A to H", is_set=True),
        sent_as("INFO", convert=codes_of),
    ] = []
    info_en: Annotated[
        list[str],
        column("What the licence also covers, in English", is_set=True),
        sent_as("INFO_EN", convert=_plain_texts),
    ] = []
    info_zh: Annotated[
        list[str],
        column("What the licence also covers, in Traditional Chinese", is_set=True),
        sent_as("INFO_TC", convert=_plain_texts),
    ] = []
    expires_on: Annotated[
        date | None, column("Last day of the licence, in Hong Kong", matters=True), sent_as("EXPDATE")
    ] = None
    generated_on: Annotated[date | None, column("Day the file says it was made"), sent_as("GENERATION_DATE")] = None


def _is_whole(record: Any) -> bool:
    """True; ValueError for a licence that a file has only in part, and for one that is in one file only: its other half
    is missing, not empty."""
    if record.BROKEN:
        raise ValueError(f"licence {record.LICNO} is broken: {record.BROKEN}")
    if record.ONLY_IN:
        raise ValueError(f"licence {record.LICNO} stands in the {record.ONLY_IN} file only")
    return True


class DataGovHk(Platform):
    """Both languages' files of one day, joined on the licence number; past weeks from the archive."""

    name = "data_gov_hk"
    title = "FEHD licence register (data.gov.hk)"
    description = "Every licensed restaurant of Hong Kong, from the Food and Environmental Hygiene Department."
    live_base_url = "https://www.fehd.gov.hk"
    live_archive_url = "https://api.data.gov.hk"
    cadence = "weekly"
    priority = "high"
    terms = Terms(
        "data.gov.hk terms of use: free to reuse, with attribution",
        "https://data.gov.hk/en/terms-and-conditions",
        agreement_needed=False,
    )
    pace = Pace(requests_per_second=1, concurrency=2)
    fixed_headers = {"Accept": "application/xml, text/xml, application/json"}
    has_archive = True
    has_etags = True
    shrink_tolerance = 0.03
    datasets = (
        Dataset(
            "licences",
            "Restaurant licences in force, in both languages.",
            Licence,
            key=("LICNO",),
            also_sent={"LICNO": str, "ONLY_IN": str, "BROKEN": str},
            in_scope=_is_whole,
            volatile=frozenset({"generated_on"}),
            placeholders=("沒有中文記錄", "沒有英文記錄", "no chinese record", "no english record"),
            generation="generated_on",
            yearly_fall=YearlyFall(month=6, day=30, share=0.03, days=31),
            bilingual=(("address_en", "address_zh"),),
            is_reference=True,
            listing={
                "district": "district_en",
                "licence_number": "source_id",
                "licence_expires_on": "expires_on",
                "is_provisional_licence": "left(source_id, 2) IN ('38', '39')",
            },
        ),
    )

    def tolerance(self, day: date) -> float:
        """5 % around 30 June, when most licences end, else 3 %."""
        return 0.05 if abs(day - date(day.year, 6, 30)) <= timedelta(days=7) else self.shrink_tolerance

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        if extraction.scope.archive_period:
            english, chinese = await self._archived(extraction, *extraction.scope.archive_period)
        else:
            files = await self._live(extraction)
            if files is None:
                return
            english, chinese = files
        records, in_one_file = joined(english, chinese)
        if english.generated != chinese.generated:
            made = f"{english.generated} (English) and {chinese.generated} (Chinese)"
            extraction.report_finding("licences", f"the two files are of different days: {made}")
        if in_one_file:
            extraction.report_finding("licences", f"{in_one_file:,} licences stand in only one of the two files")
        if not english.rows:
            extraction.report_finding("licences", f"the register of {english.generated} has no rows")
        for name, file in zip(LANGUAGES, (english, chinese), strict=True):
            for note in file.notes:
                extraction.report_note("licences", f"the {name} file: {note}")
        for contradiction in contradictions(english, chinese):
            extraction.report_note("licences", contradiction)
        extraction.report_total("licences", len(english.by_number()))
        starts = range(0, max(len(records), 1), PAGE_RECORDS)
        extraction.expect_pages("licences", len(starts))
        for start in starts:
            yield Page("licences", records[start : start + PAGE_RECORDS], (english.reply, chinese.reply))

    async def _live(self, extraction: Extraction) -> tuple[LicenceFile, LicenceFile] | None:
        """Today's two files; fetched again where one was republished between the two requests.

        None where both are the files that were landed last.
        """
        if await is_unchanged(extraction, "licences", PATHS):
            return None
        wait_s = LOOPBACK_WAIT_S if is_loopback(extraction.client.base_url) else MISMATCH_WAIT_S
        for refetch in range(MISMATCH_REFETCHES + 1):
            if refetch:
                await asyncio.sleep(wait_s)
            english, chinese = await asyncio.gather(*(extraction.client.get(path, read=read_file) for path in PATHS))
            if english.generated == chinese.generated:
                break
        return english, chinese

    async def _archived(self, extraction: Extraction, first: date, last: date) -> tuple[LicenceFile, LicenceFile]:
        """The last version of both files on the last day of the period on which both were archived."""
        archive = extraction.archive_url + ARCHIVE
        yesterday = extraction.day - timedelta(days=1)
        params = {"start": f"{first:%Y%m%d}", "end": f"{min(last, yesterday):%Y%m%d}"}

        async def versions(path: str) -> dict[date, str]:
            listed = {"url": self.live_base_url + path, **params}
            found_versions = await extraction.client.get(
                f"{archive}/list-file-versions", listed, read=lambda reply: reply.json_as(Versions)
            )
            return dict(_stamps_of_days(found_versions.timestamps, first, last))

        if first > yesterday:
            raise PermanentError(f"{self.name}: the archive does not reach the week of {first} yet")
        versions_of_files = await asyncio.gather(*map(versions, PATHS))
        days = versions_of_files[0].keys() & versions_of_files[1].keys()
        if not days:
            raise PermanentError(f"{self.name}: the archive has no version in both languages of the week of {first}")
        day = max(days)
        stamps = [by_day[day] for by_day in versions_of_files]
        extraction.report_observed_at(_moment_of(max(stamps)).astimezone(UTC))

        async def file(path: str, stamp: str) -> LicenceFile:
            wanted = {"url": self.live_base_url + path, "time": stamp}
            return await extraction.client.get(f"{archive}/get-file", wanted, read=read_file)

        english, chinese = await asyncio.gather(*map(file, PATHS, stamps))
        for made in filter(None, (english.generated, chinese.generated)):
            if _is_after(made, day):
                raise PermanentError(f"{self.name}: the archive's file of {day} says that it was made on {made}, later")
        return english, chinese


def _stamps_of_days(stamps: list[str], first: date, last: date) -> Iterator[tuple[date, str]]:
    """The versions of these days, oldest first, by day. A list may have others, and stamps that are no time."""
    for stamp in sorted(stamps):
        with suppress(ValueError):
            if first <= (day := _moment_of(stamp).date()) <= last:
                yield day, stamp


def _moment_of(stamp: str) -> datetime:
    """When a version was archived; ValueError where the text is no time."""
    return datetime.strptime(stamp, "%Y%m%d-%H%M").replace(tzinfo=HONG_KONG)


def _is_after(made: str, day: date) -> bool:
    """True if a file was made after this day. A day of another notation is judged with the record, not here."""
    with suppress(ValueError):
        return day_in(made) > day
    return False


class Versions(msgspec.Struct):
    timestamps: list[str]
