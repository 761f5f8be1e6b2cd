"""Tables of Chinese characters: the simplified form of each, and its usual reading in Cantonese.

What belongs here: reading the two files. Each line of a file has a value and the characters that have it. The files
are made from OpenCC and ToJyutping by `sync_platform_tests/matching/test_character_tables.py`. They are shipped because
those packages take a second to load, and because stored keys belong to one edition of the tables.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def simplified_characters() -> dict[str, str]:
    """The simplified form of each character whose simplified form is another one."""
    return _read("simplified_characters.txt")


@cache
def cantonese_readings() -> dict[str, str]:
    """The most usual Cantonese reading of each character in Jyutping, without tone; simplified characters too."""
    return _read("cantonese_readings.txt")


def _read(name: str) -> dict[str, str]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {character: value for value, characters in lines for character in characters}
