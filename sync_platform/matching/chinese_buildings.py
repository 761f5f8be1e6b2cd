"""Names of buildings and housing estates in Chinese addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.area_names import chinese_areas
from sync_platform.matching.chinese_descriptions import is_description, without_description
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName
from sync_platform.matching.scripts import HAN

_ESTATE = re.compile(r"(.{2,}?(?:(?<![渡度]假)村|苑|屋苑))(?!酒店|大厦|商务|商业中心大厦)(.*)")
_GARDEN = re.compile(rf"(.{{2,}}?(?:花园|半岛|新城(?!市)|湾畔|豪庭))(?!酒店)(?=\s*[{HAN}]{{2,}})")
_KIND = re.compile(
    r"(?:购物|多层)?(?:商场|街市|市?中心|广场|街市场|停车场(?:大厦|大楼)?|市场|大厦|大楼|商场(?:街市|停车场)|商业中心)"
)
_PURPOSE = re.compile(r"(?:商业|住宅)(?:发展)?(?:部[分份])?$|(?:[东西南北新旧]|[a-z])翼$|[a-z]\s?[区场]$")
_DIVISION = re.compile(
    rf"(?<=[{HAN}])\s+(?=[{HAN}])(?!{_KIND.pattern}$)|[,，、;]|(?<=[楼阁厦苑村])[及与&](?=[{HAN}]{{2}})"
    rf"|(?<=[{HAN}]{{2}})\s*(?=[a-z][a-z.'@+][a-z0-9.'@+])(?!mall\b)"
    r"|(?<=[a-z]{4})\s(?=[a-z]\d{1,2}\s[a-z]{4})"
    rf"|(?<=[a-z]{{2}})\s*(?=[{HAN}]{{2,}})(?![{HAN}]{{2,3}}店(?:$|[\s,])|号|[及与和]|[a-z]?区|{_KIND.pattern})"
)
"""Between two names: a space or "and" between Chinese ones, the change from one script to the other, or
a code in front of a word: VICTORIA DOCKSIDE K11 MUSEA.
"""
_IN_COMPLEX = re.compile(
    rf"([{HAN}]{{2,}}?(?:广场|商场|中心|大厦|酒店|坊|庭|马场|(?<![平舞露电])台))"
    rf"(?=(?!商[业务]|购物|停车|综合|[东西南北新旧本及之的])[{HAN}]{{2,}}(?:商场|广场|大厦|酒店|市场|街市|中心|看台|[楼阁坊廊舍轩居]|(?<!新)城)$)"
    rf"|([{HAN}]{{2,}}?(?:城(?!市|门)|医院|体育园|山庄))(?=(?!中心|主|商[业务]|购物|停车|综合|[东西南北新旧本及之的])[{HAN}]{{2,}}"
    r"(?:商场|广场|大厦|中心|酒店|市场|街市|零售馆|[楼阁居廊堂轩湾园城])$)"
    rf"|([{HAN}\d]*客运大[厦楼])(?=[{HAN}]{{2,}}[堂廊]$)"
)
"""A complex in front of a building in it, without a space: 太古廣場港麗酒店."""
_REPEATED = re.compile(
    rf"(?:^(?:香港)?|(?<=[村苑]))([{HAN}]{{2,}})([{HAN}]{{0,4}})(?<!花园)(?<!半岛)(?<!新城)(?<!湾畔)(?<!豪庭)(?<![村苑])(?=\1[{HAN}])"
)
"""A name that repeats the beginning of the one before it: 海禧華庭海禧廣場."""
_CODES = re.compile(
    r"(?:[及和与至]|之)?(?:\d{1,4}[a-z]?\d?(?:[-–及和与至]\d{1,4}[a-z]?\d?)*[号及]?"
    r"|(?:[a-z]{1,3}-?\d{1,4}|[a-z])[a-z]?号?(?:[-–及和与至&]+[a-z]{0,3}\d{0,4}[a-z]?号?)+|[a-z]{1,3}\d{1,4}[a-z]?号)"
)
"""Units that no word marks: G4及G5號."""
_CONJUNCTION = re.compile(r"^(?:[及与之的]|和(?=[a-z]区|牌照))+|[及与之的]+$")
"""Between a name and a part that is taken out: 及平台 of 2056號舖及平台."""
_NUMBER_BEHIND = re.compile(rf"(.*[{HAN}])\s*(\d|i{{1,3}})")
_NUMBERS_ONLY = re.compile(r"[\divx\s&,及和-]+")
_NO_LETTER = re.compile(r"[^\w]")


def name_places(texts: list[str]) -> NamedPlaces:
    """The buildings and the estate that texts of an address name, with bars between the names."""
    buildings: dict[str, None] = {}
    estate = ""
    phases: set[str] = set()
    for piece in (piece for text in texts for part in text.split("|") if part for piece in _pieces(part)):
        name = _read_name(piece, may_be_estate=not estate)
        estate = estate or name.estate
        if name.phase:
            phases.add(name.phase)
        if name.building:
            buildings[name.building] = None
    names = list(buildings)
    if len(names) > 1 and not estate and names[0].endswith("花园"):
        estate = names.pop(0)
    return NamedPlaces(tuple(name for name in names if name != estate), estate, frozenset(phases))


@lru_cache(maxsize=50_000)
def _read_name(piece: str, *, may_be_estate: bool) -> PlaceName:
    estate = phase = ""
    if may_be_estate and (found := _ESTATE.fullmatch(piece)):
        estate = found[1]
        piece = piece if _KIND.fullmatch(found[2].strip()) else found[2]
    elif may_be_estate and (found := _GARDEN.match(piece)) and not _KIND.fullmatch(piece[found.end() :].strip()):
        estate = found[1]
        piece = piece[found.end() :]
    if is_description(piece):
        piece = ""
    piece = _PURPOSE.sub("", piece)
    if found := _NUMBER_BEHIND.fullmatch(piece):
        piece, phase = found[1], ROMAN.get(found[2], found[2])
    if not piece or _KIND.fullmatch(piece) or piece in chinese_areas():
        return PlaceName(estate, "", phase)
    return PlaceName(estate, _NO_LETTER.sub("", piece).replace("大楼", "大厦"), phase)


@lru_cache(maxsize=50_000)
def _pieces(text: str) -> tuple[str, ...]:
    """The names in a text: spaces divide them where Chinese stands on both sides."""
    named = (without_description(piece.strip()) for piece in _DIVISION.split(text.strip()))
    divided = (_IN_COMPLEX.sub(r"\g<0>,", _divide_repetition(piece)) for piece in named)
    pieces = (
        without_description(_CONJUNCTION.sub("", piece.strip()))
        for divided_piece in divided
        for piece in divided_piece.split(",")
    )
    return tuple(piece for piece in pieces if len(_NO_LETTER.sub("", piece)) > 1 and not _is_no_name(piece))


def _divide_repetition(piece: str) -> str:
    """The piece with a comma in front of a name that repeats the one before it."""
    found = _REPEATED.search(piece.strip())
    return f"{piece.strip()[: found.end()]},{piece.strip()[found.end() :]}" if found else piece


def _is_no_name(piece: str) -> bool:
    """True if a text describes a part of a building, or lists numbers; not where an estate is in front."""
    return (is_description(piece) and not _ESTATE.fullmatch(piece)) or any(
        pattern.fullmatch(piece) for pattern in (_NUMBERS_ONLY, _CODES)
    )
