"""The licence register of Hong Kong's food authority (FEHD): two XML files, one per language, and their archive.

A licence is not a restaurant: it ends, is renewed late, or is replaced by another number for the same shop.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import zip_longest
from typing import Annotated, Any

import msgspec
from lxml import etree

from sync_platform.errors import MalformedBody, PermanentError
from sync_platform.sources.client import Reply, is_loopback
from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.decoding import Decoding
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.received import Page, Record
from sync_platform.sources.rules import OneOf, Shaped

PATHS = (
    "/english/licensing/license/text/LP_Restaurants_EN.XML",
    "/tc_chi/licensing/license/text/LP_Restaurants_TC.XML",
)
ARCHIVE = "/v1/historical-archive"
NOT_MODIFIED = 304
PAGE_RECORDS = 2000
MISMATCH_REFETCHES = 3
MISMATCH_WAIT_S = 20.0
LOOPBACK_WAIT_S = 0.05

Labels = Mapping[str, tuple[str, str]]
TYPES: Labels = {
    "RL": ("General Restaurant", "普通食肆"),
    "RR": ("Light Refreshment Restaurant", "小食食肆"),
    "MR": ("Marine Restaurant", "水上食肆"),
}
DISTRICTS: Labels = {
    "11": ("Eastern", "東區"),
    "12": ("Wan Chai", "灣仔"),
    "15": ("Southern", "南區"),
    "17": ("Islands", "離島"),
    "18": ("Central/Western", "中西區"),
    "51": ("Kwun Tong", "觀塘"),
    "52": ("Kowloon City", "九龍城"),
    "53": ("Wong Tai Sin", "黃大仙"),
    "61": ("Yau Tsim", "油尖"),
    "62": ("Mong Kok", "旺角"),
    "63": ("Sham Shui Po", "深水埗"),
    "91": ("Kwai Tsing", "葵青"),
    "92": ("Tsuen Wan", "荃灣"),
    "93": ("Tuen Mun", "屯門"),
    "94": ("Yuen Long", "元朗"),
    "95": ("Tai Po", "大埔"),
    "96": ("North", "北區"),
    "97": ("Sha Tin", "沙田"),
    "98": ("Sai Kung", "西貢"),
}
INFOS: Labels = {
    "A": ("Outside seating", "露天座位"),
    "B": ("Karaoke establishment permit", "卡拉OK場所許可證"),
    "C": ("Karaoke establishment exemption", "豁免卡拉OK場所許可證"),
    "D": ("ISO 22000 certification", "ISO 22000認證"),
    "E": ("Raw meat", "生肉"),
    "F": ("Raw oyster", "生蠔"),
    "G": ("Sashimi", "刺身"),
    "H": ("Sushi", "壽司"),
}
LEFTOVERS = str.maketrans({"\ue517": "鰂", "\ue16e": "愨", "\ue061": "滙", "\ue77f": "脷"})
"""Private Use characters that the register still holds for Big5-HKSCS ones."""
NO_RECORD = {"沒有記錄", "no record"}


class LicenceRecord(msgspec.Struct, rename="upper"):
    """One licence, its two files' rows joined: `_EN` and `_TC` tell them apart, and labels stand beside codes.

    `ONLY_IN`: the one file that has it, where the other does not.
    """

    licno: str
    type: str | None = None
    type_en: str | None = None
    type_tc: str | None = None
    dist: str | None = None
    dist_en: str | None = None
    dist_tc: str | None = None
    ss_en: str | None = None
    ss_tc: str | None = None
    adr_en: str | None = None
    adr_tc: str | None = None
    info: str | None = None
    info_en: list[str] = []
    info_tc: list[str] = []
    expdate: date | None = None
    generation_date: date | None = None
    only_in: str | None = None


class Licence(Row):
    """One restaurant licence in the register."""

    source_id: Annotated[str, column("Licence number", rules=(Shaped(r"\d{10}", "ten digits"),))]
    licence_type: Annotated[
        str | None, column("Kind of licence: RL, RR or MR", matters=True, rules=(OneOf(tuple(TYPES)),))
    ] = None
    licence_type_en: Annotated[str | None, column("Kind of licence in English")] = None
    licence_type_zh: Annotated[str | None, column("Kind of licence in Traditional Chinese")] = None
    district_code: Annotated[
        str | None,
        column(
            "FEHD district, two digits: not a District Council district",
            matters=True,
            rules=(Shaped(r"\d\d", "two digits"),),
        ),
    ] = None
    district_en: Annotated[str | None, column("FEHD district in English")] = None
    district_zh: Annotated[str | None, column("FEHD district in Traditional Chinese")] = None
    name_en: Annotated[
        str | None, column("Shop sign as the English file has it: Chinese where only that is registered", matters=True)
    ] = None
    name_zh: Annotated[
        str | None, column("Shop sign as the Chinese file has it: English where only that is registered", matters=True)
    ] = None
    address_en: Annotated[str | None, column("English address", matters=True)] = None
    address_zh: Annotated[str | None, column("Traditional Chinese address", matters=True)] = None
    info_codes: Annotated[list[str], column("What the licence also covers, as codes A to H")] = []
    info_en: Annotated[list[str], column("What the licence also covers, in English")] = []
    info_zh: Annotated[list[str], column("What the licence also covers, in Traditional Chinese")] = []
    expires_on: Annotated[date | None, column("Last day of the licence, in Hong Kong", matters=True)] = None
    generated_on: Annotated[date | None, column("Day the file says it was made")] = None


def _licence(record: LicenceRecord) -> Licence:
    """A row; ValueError for a licence of one file alone: its other half is missing, not empty."""
    if record.only_in:
        raise ValueError(f"licence {record.licno} stands in the {record.only_in} file only")
    return Licence(
        source_id=record.licno,
        licence_type=record.type,
        licence_type_en=_plain(record.type_en),
        licence_type_zh=_plain(record.type_tc),
        district_code=record.dist,
        district_en=_plain(record.dist_en),
        district_zh=_plain(record.dist_tc),
        name_en=_plain(record.ss_en),
        name_zh=_plain(record.ss_tc),
        address_en=_plain(record.adr_en),
        address_zh=_plain(record.adr_tc),
        info_codes=_codes(record.info),
        info_en=[label for label in map(_plain, record.info_en) if label],
        info_zh=[label for label in map(_plain, record.info_tc) if label],
        expires_on=record.expdate,
        generated_on=record.generation_date,
    )


def _plain(text: str | None) -> str | None:
    """The text in NFKC with single spaces; None for a blank and for the register's word for one."""
    if text is None:
        return None
    # the leftovers first: NFKC would leave them, and later software drop them
    plain = " ".join(unicodedata.normalize("NFKC", text.translate(LEFTOVERS)).split())
    return None if not plain or plain.casefold() in NO_RECORD else plain


def _codes(info: str | None) -> list[str]:
    return [code for part in (info or "").split("#") if (code := part.strip())]


@dataclass(frozen=True)
class _File:
    """One language's file as read; the code tables' ids are without their `#`."""

    reply: Reply
    generated: str | None
    types: dict[str, str]
    districts: dict[str, str]
    infos: dict[str, str]
    rows: list[dict[str, Any]]


def _as_is(reply: Reply) -> Reply:
    return reply


def _read(reply: Reply) -> _File:
    """A file; MalformedBody where it is cut off, or not the register. No entity, DTD or address is followed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(reply.body, parser)
    except etree.XMLSyntaxError as error:
        raise MalformedBody(f"{reply.platform}: {reply.url} is not whole XML: {error.msg}") from None
    if root.tag != "DATA" or root.find("LPS") is None:
        raise MalformedBody(f"{reply.platform}: {reply.url} answered <{root.tag}> in place of the register")

    def labels(table: str) -> dict[str, str]:
        return {code.get("ID", "").lstrip("#"): code.text or "" for code in root.iterfind(f"{table}/CODE")}

    return _File(
        reply,
        (root.findtext("GENERATION_DATE") or "").strip() or None,
        labels("TYPE_CODE"),
        labels("DIST_CODE"),
        labels("INFO_CODE"),
        [{child.tag: _text(child) for child in row if isinstance(child.tag, str)} for row in root.iterfind("LPS/LP")],
    )


def _text(element: etree._Element) -> Any:
    """An element's text; where it holds elements, or refers to entities, its record does not fit the contract."""
    if len(element):
        return [child.tag if isinstance(child.tag, str) else child.text for child in element]
    return (element.text or "").strip() or None


def _joined(english: _File, chinese: _File) -> tuple[list[Record], int]:
    """Every licence of either file, and how many stand in only one. A number that a file lists twice comes twice."""
    ours, theirs = _by_number(english), _by_number(chinese)
    records, alone = [], 0
    for number in dict.fromkeys((*ours, *theirs)):
        both = ours.get(number, []), theirs.get(number, [])
        alone += not all(both)
        for row_en, row_tc in zip_longest(*both):
            pair = row_en or (both[0] or [{}])[-1], row_tc or (both[1] or [{}])[-1]
            records.append(_record(english, chinese, *pair))
    return records, alone


def _by_number(file: _File) -> dict[str | None, list[dict[str, Any]]]:
    """The rows by licence number; under None those whose number is none."""
    found: dict[str | None, list[dict[str, Any]]] = {}
    for row in file.rows:
        number = row.get("LICNO")
        found.setdefault(number if isinstance(number, str) else None, []).append(row)
    return found


def _record(english: _File, chinese: _File, row_en: dict[str, Any], row_tc: dict[str, Any]) -> Record:
    shared = {**row_tc, **row_en}
    record: Record = {name: value for name, value in shared.items() if name not in ("SS", "ADR")}
    kind, district = shared.get("TYPE"), shared.get("DIST")
    infos = _codes(shared["INFO"]) if isinstance(shared.get("INFO"), str) else []
    for number, (suffix, file, row) in enumerate((("EN", english, row_en), ("TC", chinese, row_tc))):
        record |= {f"SS_{suffix}": row.get("SS"), f"ADR_{suffix}": row.get("ADR")}
        record[f"TYPE_{suffix}"] = _label(kind, file.types, TYPES, number)
        record[f"DIST_{suffix}"] = _label(district, file.districts, DISTRICTS, number)
        record[f"INFO_{suffix}"] = [_label(code, file.infos, INFOS, number) or code for code in infos]
    record["GENERATION_DATE"] = english.generated if row_en else chinese.generated
    if not (row_en and row_tc):
        record["ONLY_IN"] = "English" if row_en else "Chinese"
    return record


def _label(code: Any, own: Mapping[str, str], known: Labels, language: int) -> str | None:
    """The file's own label of a code, or the one known beforehand, or None."""
    if not isinstance(code, str):
        return None
    return own.get(code) or (known[code][language] if code in known else None)


class DataGovHk(Platform):
    """Both languages' files of one day, joined on the licence number; past weeks out of the archive."""

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
    has_archive = True
    has_etags = True
    shrink_tolerance = 0.03
    datasets = (
        Dataset(
            "licences",
            "Restaurant licences in force, in both languages.",
            Licence,
            key=("LICNO",),
            decoding=Decoding(LicenceRecord, _licence),
            volatile=frozenset({"generated_on"}),
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

    def headers(self, credentials: Mapping[str, str]) -> dict[str, str]:
        return {"Accept": "application/xml, text/xml, application/json"}

    async def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        if extraction.scope.archive_period:
            english, chinese = await self._archived(extraction, *extraction.scope.archive_period)
        else:
            found = await self._live(extraction)
            if found is None:
                return
            english, chinese = found
        records, alone = _joined(english, chinese)
        if english.generated != chinese.generated:
            made = f"{english.generated} (English) and {chinese.generated} (Chinese)"
            extraction.report_finding("licences", f"the two files are of different days: {made}")
        if alone:
            extraction.report_finding("licences", f"{alone:,} licences stand in only one of the two files")
        if not english.rows:
            extraction.report_finding("licences", f"the register of {english.generated} has no rows")
        extraction.report_total("licences", len(_by_number(english)))
        starts = range(0, max(len(records), 1), PAGE_RECORDS)
        extraction.expect_pages("licences", len(starts))
        for start in starts:
            yield Page("licences", records[start : start + PAGE_RECORDS], (english.reply, chinese.reply))

    async def _live(self, extraction: Extraction) -> tuple[_File, _File] | None:
        """Today's two files; fetched again where one was republished between the two requests. None where both are
        those that were landed last."""
        client = extraction.client
        etags = [extraction.known_etags.get(client.base_url + path) for path in PATHS]
        if all(etags):
            replies = await asyncio.gather(
                *(client.get(path, read=_as_is, known_etag=etag) for path, etag in zip(PATHS, etags, strict=True))
            )
            if all(reply.status == NOT_MODIFIED for reply in replies):
                extraction.report_unchanged("licences", tuple(replies))
                return None
        wait_s = LOOPBACK_WAIT_S if is_loopback(extraction.client.base_url) else MISMATCH_WAIT_S
        for refetch in range(MISMATCH_REFETCHES + 1):
            if refetch:
                await asyncio.sleep(wait_s)
            english, chinese = await asyncio.gather(*(extraction.client.get(path, read=_read) for path in PATHS))
            if english.generated == chinese.generated:
                break
        return english, chinese

    async def _archived(self, extraction: Extraction, first: date, last: date) -> tuple[_File, _File]:
        """The two files as they last were on the last day of the period on which both were archived."""
        archive = extraction.archive_url + ARCHIVE
        yesterday = extraction.day - timedelta(days=1)
        params = {"start": f"{first:%Y%m%d}", "end": f"{min(last, yesterday):%Y%m%d}"}

        async def versions(path: str) -> dict[str, str]:
            listed = {"url": self.live_base_url + path, **params}
            found = await extraction.client.get(
                f"{archive}/list-file-versions", listed, read=lambda reply: reply.json_as(_Versions)
            )
            return {stamp[:8]: stamp for stamp in sorted(found.timestamps)}

        if first > yesterday:
            raise PermanentError(f"{self.name}: the archive does not reach the week of {first} yet")
        both = await asyncio.gather(*map(versions, PATHS))
        days = both[0].keys() & both[1].keys()
        if not days:
            raise PermanentError(f"{self.name}: the archive has no version in both languages of the week of {first}")
        stamps = [found[max(days)] for found in both]
        made = datetime.strptime(max(stamps), "%Y%m%d-%H%M").replace(tzinfo=HONG_KONG)
        extraction.report_observed_at(made.astimezone(UTC))

        async def file(path: str, stamp: str) -> _File:
            wanted = {"url": self.live_base_url + path, "time": stamp}
            return await extraction.client.get(f"{archive}/get-file", wanted, read=_read)

        english, chinese = await asyncio.gather(*map(file, PATHS, stamps))
        return english, chinese


class _Versions(msgspec.Struct):
    timestamps: list[str]
