"""The two files of the licence register, English and Chinese: read, and joined on the licence number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from lxml import etree

from sync_platform.errors import MalformedBody
from sync_platform.sources.received import Record
from sync_platform.sources.reply import Reply
from sync_platform.sources.xml_body import ListedElement, read_xml_list
from sync_platform.sources.xml_text import NO_TEXT

OF_ONE_LANGUAGE = ("SS", "ADR")
"""The fields that differ between the two files by their nature."""
Labels = Mapping[str, tuple[str, str]]
LANGUAGES = ("English", "Chinese")
NUMBERS_NAMED = 3
"""How many licences a note names."""
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


@dataclass(frozen=True)
class LicenceFile:
    """One language's file as read: labels by code (ids without their `#`), and the licences' records.

    A record that may have lost something has its problem in `BROKEN`. `notes`: what was odd and cost nothing.
    """

    reply: Reply
    generated: str | None
    types: dict[str, str]
    districts: dict[str, str]
    infos: dict[str, str]
    rows: list[dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def by_number(self) -> dict[str | None, list[dict[str, Any]]]:
        """The rows by licence number; under None those without one."""
        rows: dict[str | None, list[dict[str, Any]]] = {}
        for row in self.rows:
            number = row.get("LICNO")
            rows.setdefault(number if isinstance(number, str) else None, []).append(row)
        return rows


def read_file(reply: Reply) -> LicenceFile:
    """A file; MalformedBody where it is cut off, or not the register."""
    file = read_xml_list(reply, "LPS", "LP")
    root = file.root
    if root.tag != "DATA" or root.find("LPS") is None:
        raise MalformedBody(f"{reply.platform}: {reply.url} answered <{root.tag}> in place of the register")

    def labels(table: str) -> dict[str, str]:
        """The labels of a code table; one with a broken character is left out."""
        codes = {code.get("ID", "").lstrip("#"): code.text or "" for code in root.iterfind(f"{table}/CODE")}
        return {code: label for code, label in codes.items() if NO_TEXT not in label}

    return LicenceFile(
        reply,
        (root.findtext("GENERATION_DATE") or "").strip() or None,
        labels("TYPE_CODE"),
        labels("DIST_CODE"),
        labels("INFO_CODE"),
        [_row(record) for record in file.records],
        file.notes,
    )


def _row(record: ListedElement) -> dict[str, Any]:
    """The fields of a licence. One that stands in it twice with different texts is left out: none is chosen."""
    texts: dict[str, list[Any]] = {}
    for child in record.element:
        if isinstance(child.tag, str):
            texts.setdefault(child.tag, []).append(_text(child))
    row = {name: values[0] for name, values in texts.items() if all(value == values[0] for value in values)}
    twice = f"it has {', '.join(texts.keys() - row.keys())} twice" if len(row) < len(texts) else None
    problem = record.problem or twice
    return row if problem is None else {**row, "BROKEN": problem}


def _text(element: etree._Element) -> Any:
    """An element's text; a list if it has child elements or entities, and then its record fits no contract."""
    if len(element):
        return [child.tag if isinstance(child.tag, str) else child.text for child in element]
    return (element.text or "").strip() or None


def joined(english: LicenceFile, chinese: LicenceFile) -> tuple[list[Record], int]:
    """Every licence of either file, and how many are in one only. A number listed twice by a file gives two records."""
    english_rows, chinese_rows = english.by_number(), chinese.by_number()
    records, in_one_file = [], 0
    for number in dict.fromkeys((*english_rows, *chinese_rows)):
        rows_of_languages = english_rows.get(number, []), chinese_rows.get(number, [])
        in_one_file += not all(rows_of_languages)
        for row_en, row_tc in zip_longest(*rows_of_languages):
            pair = row_en or (rows_of_languages[0] or [{}])[-1], row_tc or (rows_of_languages[1] or [{}])[-1]
            records.append(_record(english, chinese, *pair))
    return records, in_one_file


def contradictions(english: LicenceFile, chinese: LicenceFile) -> list[str]:
    """In words, each field that the files state differently for the same licences. Of both, `joined` has the English
    one; the Chinese one is in the landed page. Of a number that a file lists twice, each record is judged by itself."""
    chinese_rows = chinese.by_number()
    differing: dict[str, list[str]] = {}
    for number, rows in english.by_number().items():
        others = chinese_rows.get(number, [])
        if number is None or len(rows) != 1 or len(others) != 1:
            continue
        for name in rows[0].keys() & others[0].keys() - {*OF_ONE_LANGUAGE, "BROKEN"}:
            if _is_contradiction(rows[0][name], others[0][name]):
                differing.setdefault(name, []).append(number)
    return [
        f"{name} of {_licences(numbers)} is another in the Chinese file: that of the English file is stored"
        for name, numbers in sorted(differing.items())
    ]


def _is_contradiction(one: Any, other: Any) -> bool:
    if one is None or other is None:
        return False
    is_list_of_codes = isinstance(one, str) and isinstance(other, str) and "#" in one + other
    return set(codes_of(one)) != set(codes_of(other)) if is_list_of_codes else bool(one != other)


def _licences(numbers: list[str]) -> str:
    first = ", ".join(numbers[:NUMBERS_NAMED])
    return f"licence {first}" if len(numbers) == 1 else f"{len(numbers):,} licences ({first})"


def _record(english: LicenceFile, chinese: LicenceFile, row_en: dict[str, Any], row_tc: dict[str, Any]) -> Record:
    shared = {**row_tc, **{name: value for name, value in row_en.items() if value is not None or name not in row_tc}}
    record: Record = {name: value for name, value in shared.items() if name not in OF_ONE_LANGUAGE}
    kind, district = shared.get("TYPE"), shared.get("DIST")
    infos = codes_of(shared["INFO"]) if isinstance(shared.get("INFO"), str) else []
    for number, (suffix, file, row) in enumerate((("EN", english, row_en), ("TC", chinese, row_tc))):
        record |= {f"SS_{suffix}": row.get("SS"), f"ADR_{suffix}": row.get("ADR")}
        record[f"TYPE_{suffix}"] = _label(kind, file.types, TYPES, number)
        record[f"DIST_{suffix}"] = _label(district, file.districts, DISTRICTS, number)
        record[f"INFO_{suffix}"] = [_label(code, file.infos, INFOS, number) or code for code in infos]
    record["GENERATION_DATE"] = min(filter(None, (english.generated, chinese.generated)), default=None)
    broken = [
        f"in the {name} file {row['BROKEN']}"
        for name, row in zip(LANGUAGES, (row_en, row_tc), strict=True)
        if "BROKEN" in row
    ]
    if broken:
        record["BROKEN"] = "; ".join(broken)
    if not (row_en and row_tc):
        record["ONLY_IN"] = "English" if row_en else "Chinese"
    return record


def _label(code: Any, own: Mapping[str, str], known: Labels, language: int) -> str | None:
    """The file's own label of a code, else the label in `known`, else None."""
    if not isinstance(code, str):
        return None
    return own.get(code) or (known[code][language] if code in known else None)


def codes_of(info: str | None) -> list[str]:
    return [code for part in (info or "").split("#") if (code := part.strip())]
