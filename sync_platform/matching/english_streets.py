"""Names of streets in English: without their kind ("Road"), directions abbreviated, and their sound."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sync_platform.matching.romanisation import sound_of_english

KINDS = frozenset(
    (  # noqa: SIM905 (as a list, these words would fill a page)
        "street st str road rd avenue ave av boulevard blvd blv drive dr lane ln place pl square sq highway hwy "
        "parkway pkwy terrace ter path crescent cres court ct way alley circuit praya bazaar row plz expressway "
        "freeway quay close walk strand yard"
    ).split()
)
_ALSO_BUILDINGS = frozenset(("crescent", "court", "ct", "place", "pl", "plz", "square", "sq"))
"""Kinds that name buildings too: Times Square, and Hiu Lai Court."""
_DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "central": "c",
}  # fmt: skip
_ORDINALS = {
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7",
    "eighth": "8", "ninth": "9", "tenth": "10", "eleventh": "11", "twelfth": "12",
}  # fmt: skip
_AFTER_STREET = re.compile(r"\s(?:between|near|off|at|corner|cor|opposite|opp|in|behind|next|just|above)\b.*|\(.*")
_NUMBERED = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
_WORD = re.compile(r"[a-z0-9]+")
_LONGEST = 5  # words


class StreetName(NamedTuple):
    """The name of a street and its sound, as in `romanisation`."""

    name: str
    sound: str


@lru_cache(maxsize=50_000)
def parse_street(text: str) -> StreetName:
    """The street at the beginning of a folded text, without a following description of its location."""
    words = _WORD.findall(_AFTER_STREET.sub(" ", f" {text}"))
    found: list[str] = []
    for position, word in enumerate(words):
        is_kind = word in KINDS and position and not _is_other_kind(word, words[position + 1 : position + 2])
        if is_kind and (len(found) > 1 or (found and found[0] not in _DIRECTIONS.values())):
            rest = [_DIRECTIONS.get(one, one) for one in words[position + 1 : position + 2]]
            found += [one for one in rest if one in _DIRECTIONS.values() and (one != "c" or word in ("road", "rd"))]
            break
        found.append(_NUMBERED.sub(r"\1", _ORDINALS.get(word, _DIRECTIONS.get(word, word))))
    found = found[:_LONGEST]
    sounding = [word for word in found if word.isalpha() and word not in _DIRECTIONS.values()]
    return StreetName(" ".join(found), sound_of_english(sounding))


def _is_other_kind(kind: str, following: list[str]) -> bool:
    """True in front of another kind: the first one is a part of the name then (Praya Street)."""
    return bool(following) and following[0] in KINDS and following[0] != kind


def has_kind(text: str) -> bool:
    """True if a folded text has the kind of a street behind another word."""
    return any(word in KINDS for word in _WORD.findall(text)[1:])


def ends_in_kind(words: list[str]) -> bool:
    """True if the last of several words is the kind of a street, also one that names buildings."""
    return len(words) > 1 and words[-1] in KINDS


def is_street(words: list[str]) -> bool:
    """True if these words are a street without a number: its kind is last, or stands in front of a direction."""
    if len(words) < 2 or words[-1] in _ALSO_BUILDINGS:
        return False
    return words[-1] in KINDS or (words[-2] in KINDS and words[-1] in _DIRECTIONS)
