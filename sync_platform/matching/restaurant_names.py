"""Names of restaurants, parsed into distinctive part, branch, and marks that do not belong to the name.

A listing has up to two names: one in Latin letters, here called English, and one in any other script, here called
Chinese. Names in Thai, Arabic or Japanese are parsed like Chinese ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sync_platform.matching.romanisation import sound_of_chinese, sound_of_english
from sync_platform.matching.scripts import (
    BEYOND_LATIN,
    HAN,
    SPACED,
    drop_apostrophes,
    fold,
    has_han,
    split_off_latin,
)

_OPEN, _CLOSE = "(（[【〔「", ")）]】〕」"
_BRACKETED = re.compile(rf"[{re.escape(_OPEN)}]([^{re.escape(_OPEN + _CLOSE)}]*)[{re.escape(_CLOSE)}]")
_SECOND_LISTING = re.compile(
    r"(?<![a-z0-9])(?:extended|delivery|deliver|pick ?-?up|take ?-?away|take ?-?out|self ?-?pick ?-?up|duplicate|"
    r"second listing|outer zone|express zone|extra zone)(?![a-z0-9])|外送|外卖|延伸|自取|扩展"
)
_AFTER_NAME = re.compile(r"\s+(?:@|at the|at|[-–—|~·]|,)\s+(?=\S)|\s*@\s*(?=\S)")
_LEGAL = re.compile(
    r"(?<![a-z0-9])(?:limited|ltd|co ltd|company|inc|llc|llp|plc|pte|corp|gmbh|catering group|hk|hong kong|h k)"
    r"(?![a-z0-9])\.?|有限公司|公司$"
)
_WORD = re.compile(rf"[a-z0-9]+|[{BEYOND_LATIN}]+")
_SPACED = re.compile(f"[{SPACED}]+")
_OF_IN_KANA = "の"  # Chinese names have it as an ornament
_BRANCH_HAN = re.compile(rf"^(.{{2,}}?)[\s(（\-–]*([{HAN}]{{2,6}}(?:分店|店|分行))[)）]?$")

# Words for the kind of restaurant. They are compared only where a name has no other words.
GENERIC = frozenset(
    (  # noqa: SIM905 (as a list, these words would fill a page)
        "a an and at by de del di du el for in la le les of on the to with bakery bar barbecue bbq bistro bistrot "
        "brasserie buffet cafe canteen cantina catering cha chaan cocktail coffee congee cuisine deli delicatessen "
        "dessert desserts diner dining eatery express food foods gelato grill grille group hotpot house inn "
        "izakaya japanese juice kitchen lounge noodle noodles pizza pizzeria pub ramen restaurant restaurants "
        "ristorante roasters room rotisserie saloon seafood shop snack snacks steakhouse store sushi takeaway "
        "tavern tea teng trattoria "
    ).split()
)
_FUNCTION_WORDS = frozenset(
    ("a", "an", "and", "at", "by", "de", "for", "in", "la", "le", "of", "on", "the", "to", "with")
)
_GENERIC_HAN = re.compile(
    "餐厅|茶餐厅|饭店|酒楼|酒家|小厨|厨房|冰室|咖啡[室馆店厅]?|小馆|菜馆|面家|粉面|粥面|专家|专门店|料理|食堂|小食|美食|"
    "餐馆|酒吧|火锅|茶室|茶楼|饼店|面包店?|甜品|烧味|烧腊|海鲜|寿司|拉面|居酒屋|车仔面|快餐|饭堂|茶馆|茶居|会所|有限公司|ラーメン|らーめん|うどん|カフェ|レストラン"
)


class ParsedName(NamedTuple):
    """A parsed name in one script. All text is folded; `sound` is as in `romanisation`; each field may be empty.

    `whole` is the name without branch and marks. `core` is its distinctive part without spaces. `words` are its words
    (in scripts without spaces between words: its pairs of characters). `branch` identifies the branch.
    """

    whole: str
    core: str
    words: tuple[str, ...]
    branch: str
    sound: str
    is_second_listing: bool


EMPTY = ParsedName("", "", (), "", "", False)


@lru_cache(maxsize=100_000)
def parse_names(*texts: str) -> tuple[ParsedName, ParsedName]:
    """The English and the Chinese name among texts from any column; NOTHING where there is none."""
    english = chinese = EMPTY
    is_second = False
    for text in texts:
        folded = fold(text)
        if any(map(_SECOND_LISTING.search, _BRACKETED.findall(folded))):
            is_second = True
            folded = _BRACKETED.sub(lambda found: " " if _SECOND_LISTING.search(found[1]) else found[0], folded)
        latin, other = (folded, "") if folded.isascii() else split_off_latin(folded)
        if other and not chinese.core:
            chinese = _parse_chinese(other)
        if latin and not english.core:
            english = _parse_english(latin)
    if is_second:
        return english._replace(is_second_listing=True), chinese._replace(is_second_listing=True)
    return english, chinese


def _parse_english(folded: str) -> ParsedName:
    name = drop_apostrophes(folded).replace("&", " and ").replace("+", " and ")
    branch = _BRACKETED.findall(name)
    name = _BRACKETED.sub(" ", name)
    before, after = _cut_branch(name)
    words = _without_legal_words(_WORD.findall(before))
    if not words:
        words, branch = _WORD.findall(" ".join(branch)), []
    core = (
        [word for word in words if word not in GENERIC]
        or [word for word in words if word not in _FUNCTION_WORDS]
        or words
    )
    if after:
        branch.append(after)
    return ParsedName(
        " ".join(words),
        "".join(core),
        tuple(dict.fromkeys(core)),
        " ".join(_WORD.findall(" ".join(branch))),
        sound_of_english([word for word in words if word != "and"]),
        is_second_listing=False,
    )


def _without_legal_words(words: list[str]) -> list[str]:
    """The words of a name without its legal form; a name of legal words only keeps the last ones."""
    while _LEGAL.search(whole := " ".join(words)):
        rest = _WORD.findall(_LEGAL.sub(" ", whole))
        if not rest or rest == words:
            break
        words = rest
    return words


def _cut_branch(name: str) -> tuple[str, str]:
    """The texts before and after an `@`, a dash or a comma that ends the name."""
    match = _AFTER_NAME.search(name, 2)
    if not match or not _WORD.search(name[: match.start()]) or len(name[: match.start()].strip()) < 3:
        return name, ""
    return name[: match.start()], name[match.end() :]


def _parse_chinese(folded: str) -> ParsedName:
    branch = _BRACKETED.findall(folded)
    name = _BRACKETED.sub(" ", folded)
    if _OF_IN_KANA in name and has_han(name):
        name = name.replace(_OF_IN_KANA, "")
    whole = "".join(_WORD.findall(_LEGAL.sub("", name)))
    if (match := _BRANCH_HAN.match(name.strip())) and not branch and len(match[1].strip()) >= 2 and " " in name.strip():
        whole, branch = "".join(_WORD.findall(match[1])), [match[2]]
    if not whole:
        whole, branch = "".join(_WORD.findall("".join(branch))), []
    core = _GENERIC_HAN.sub("", whole)
    core = core if len(core) >= 2 else whole
    spaced = bool(_SPACED.fullmatch(core))
    words = tuple(dict.fromkeys(_SPACED.findall(name) if spaced else _pairs(core)))
    return ParsedName(
        whole, core, words, _branch_han("".join(branch)), sound_of_chinese(whole), is_second_listing=False
    )


def _pairs(core: str) -> list[str]:
    """The pairs of neighbouring characters; the character where there is one only."""
    return [core[at : at + 2] for at in range(len(core) - 1)] or [core][: len(core)]


def _branch_han(text: str) -> str:
    return re.sub("(?:分店|店|分行)$", "", "".join(_WORD.findall(text)))
