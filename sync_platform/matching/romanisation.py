"""The sound of Chinese characters in Cantonese and of their romanisations, in one common form.

Romanisations in Hong Kong agree on the first and last consonants of a syllable, but rarely on its vowel: `Kam`, `Gam`;
`Leung`, `Liang`; `Wing`, `Weng`. The sound of a syllable is the class of its first and its last consonant, written as
one character. So names can be compared as strings of sounds, in any script.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.character_tables import cantonese_readings
from sync_platform.matching.scripts import HAN

_SYLLABLE = re.compile(
    r"(?P<first>kw|gw|gu(?=[aeo])|ng|sh|ch|ts|tz|zh|hs|[bpmfdtnlgkhjzcsxqyw])?(?P<vowel>[aeiouy]+(?:h(?![aeiou]))?|w(?=$))"
    r"(?P<last>ng|ck|[mnptkgr])?$"
)
_FIRST = {
    "b": "p", "p": "p", "m": "m", "f": "f", "d": "t", "t": "t", "n": "l", "l": "l", "g": "k", "k": "k", "kw": "q",
    "gw": "q", "gu": "q", "ng": "-", "h": "h", "hs": "s", "j": "c", "z": "c", "c": "c", "s": "s", "x": "s", "q": "c",
    "sh": "s", "ch": "c", "ts": "c", "tz": "c", "zh": "c", "y": "y", "w": "w",
}  # fmt: skip
_LAST = {"ng": "g", "n": "n", "m": "m", "p": "p", "t": "t", "k": "k", "ck": "k", "g": "k", "r": "-"}
_FIRSTS, _LASTS = "pmftlkqhcsyw-", "gnmptk-"
_BASE = 0x100  # sounds are written as characters from this code point on
_LONGEST = 7  # letters of a romanised syllable, such as `cheung`, plus one


@lru_cache(maxsize=50_000)
def sound_of_syllable(syllable: str) -> str:
    """The sound of a romanised syllable in lower case; empty where it is not a Cantonese syllable."""
    if len(syllable) > _LONGEST:
        return ""
    if syllable.startswith("j") and not syllable.startswith(("ja", "je", "jo", "ji", "ju")):
        return ""
    match = _SYLLABLE.match(syllable)
    if not match:
        return ""
    first = _FIRST[match["first"]] if match["first"] else "-"
    return _written(first, _LAST[match["last"]] if match["last"] else "-")


@lru_cache(maxsize=50_000)
def sound_of_character(character: str) -> str:
    """The sound of a Chinese character; empty where it is not known."""
    jyutping = cantonese_readings().get(character, "")
    if not jyutping:
        return ""
    if jyutping.startswith("j"):  # Jyutping writes j where other romanisations write y
        jyutping = "y" + jyutping[1:]
    return sound_of_syllable(jyutping)


def sound_of_chinese(text: str) -> str:
    """The sounds of the Chinese characters in a text; other characters have no sound."""
    return "".join(map(sound_of_character, re.findall(f"[{HAN}]", text)))


def sound_of_english(words: list[str]) -> str:
    """The sounds of romanised words; a word that is not a Cantonese syllable has no sound."""
    return "".join(map(sound_of_syllable, words))


def _written(first: str, last: str) -> str:
    return chr(_BASE + _FIRSTS.index(first) * len(_LASTS) + _LASTS.index(last))
