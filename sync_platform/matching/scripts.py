"""Writing systems: one form for text that can be written in several ways.

What belongs here: characters. What does not: the meaning of names and addresses.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from sync_platform.matching.character_tables import simplified_characters

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
KANA = "\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
UNSPACED = f"{HAN}{KANA}\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
"""Letters of scripts without spaces between words: Chinese, Japanese, Thai, Lao, Tibetan, Burmese, Khmer."""
SPACED = (
    "\u0370-\u052f\u0531-\u058f\u0591-\u060b\u060d-\u061a\u0620-\u065f\u0670-\u0dff\u10a0-\u167f\u1800-\u1fff"
    "\u3130-\u318f\uac00-\ud7a3"
)
"""Letters of other scripts: Greek, Cyrillic, Arabic, Devanagari, Hangul and so on."""
BEYOND_LATIN = UNSPACED + SPACED
_HAN = re.compile(f"[{HAN}]")
_HAN_RUN = re.compile(rf"[{HAN}][{HAN}0-9a-z]*")
_BEYOND_LATIN = re.compile(f"[{BEYOND_LATIN}]+")
_RUN_BEYOND_LATIN = re.compile(rf"[{BEYOND_LATIN}][{BEYOND_LATIN}0-9a-z]*")
_LATIN = re.compile(r"[a-z]")
_APOSTROPHES = re.compile("['’‘`´ʼ]")
_COMMON = re.compile("[\x00-\x7f\u4e00-\u9fff]*")
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u0640\u064b-\u0655\u0670]")
"""Accents, the points of Hebrew and Arabic, and the line that stretches Arabic words."""

# Microsoft's Big5 maps user-defined characters to the Private Use Area: first and last code point, first lead byte; 157
# characters per lead byte. Systems from before HKSCS was in Unicode still write HKSCS characters this way.
_PRIVATE_USE = ((0xE000, 0xE310, 0xFA), (0xE311, 0xEEB7, 0x8E), (0xEEB8, 0xF6B0, 0x81))
_PER_LEAD, _FIRST_TRAILS = 157, 63
# Variants that the conversion to Simplified Chinese does not unify, each with its common form.
_VARIANTS = (
    "滙汇", "舘馆", "鷄鸡", "慤悫", "愨悫", "咀嘴", "麪面", "枱台", "裡里", "粧妆", "恆恒", "邨村", "舗铺", "舖铺",
    "仝同", "噐器", "啓启", "巿市", "埸场", "塲场", "徳德", "彽低", "鳯凤", "袓祖",
)  # fmt: skip


@cache
def _canonical_characters() -> dict[int, str]:
    """The common form of each Chinese character: Traditional characters and variants become Simplified."""
    table = {ord(old): new for old, new in simplified_characters().items()}
    table |= {ord(pair[0]): pair[1] for pair in _VARIANTS}
    return {old: table.get(ord(new), new) for old, new in table.items()}


@cache
def _private_use_characters() -> dict[int, str]:
    """The characters that code points of the Private Use Area mean in text from before HKSCS was in Unicode."""
    first, last = _PRIVATE_USE[0][0], _PRIVATE_USE[-1][1]
    found = {point: character for point in range(first, last + 1) if (character := _hkscs(point))}
    return found | {0xE061: "滙"}  # used by the licence register; the table has 𣿬, which no name contains


def _hkscs(point: int) -> str:
    """The character that HKSCS has at a code point of the Private Use Area; empty where there is none."""
    first, _, lead = next(span for span in _PRIVATE_USE if span[0] <= point <= span[1])
    row, column = divmod(point - first, _PER_LEAD)
    trail = 0x40 + column if column < _FIRST_TRAILS else 0xA1 + column - _FIRST_TRAILS
    try:
        return bytes((lead + row, trail)).decode("big5hkscs")
    except UnicodeDecodeError:
        return ""


@lru_cache(maxsize=200_000)
def fold(text: str) -> str:
    """The text in one form: half width, lower case, without accents, Chinese simplified, single spaces.

    Folding folded text changes nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    if _COMMON.fullmatch(text):  # nothing to normalise: most Chinese texts
        return " ".join(text.lower().translate(_canonical_characters()).split())
    plain = unicodedata.normalize("NFKC", text.translate(_private_use_characters())).casefold()
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", plain))
    return " ".join(unicodedata.normalize("NFKC", plain.translate(_canonical_characters())).split())


def drop_apostrophes(folded: str) -> str:
    """The text without apostrophes: `joe's` and `joes` are one word."""
    return _APOSTROPHES.sub("", folded)


def has_han(text: str) -> bool:
    return _HAN.search(text) is not None


def has_latin(folded: str) -> bool:
    return _LATIN.search(folded) is not None


def split_scripts(folded: str) -> tuple[str, str]:
    """The Latin and the Chinese part of a text; digits stay with the text around them. A part may be empty."""
    if not has_han(folded):
        return folded, ""
    if not has_latin(folded):
        return "", folded
    han = "".join(_HAN_RUN.findall(folded)) if _starts_with_han(folded) else "".join(_HAN.findall(folded))
    latin = " ".join(_HAN.sub(" ", folded).split())
    return latin, han


def split_off_latin(folded: str) -> tuple[str, str]:
    """As `split_scripts`, the Latin part and that in any other script."""
    if not _BEYOND_LATIN.search(folded):
        return folded, ""
    if not has_latin(folded):
        return "", folded
    runs = _RUN_BEYOND_LATIN if _BEYOND_LATIN.match(folded) else _BEYOND_LATIN
    between = "" if has_han(folded) else " "
    return " ".join(_BEYOND_LATIN.sub(" ", folded).split()), between.join(runs.findall(folded))


def _starts_with_han(folded: str) -> bool:
    return _HAN.match(folded) is not None
