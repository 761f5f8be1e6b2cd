"""Addresses in English and Chinese: finds the language of each text and has it parsed by that language's grammar."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.chinese_addresses import parse_chinese
from sync_platform.matching.english_addresses import parse_english
from sync_platform.matching.parsed_address import EMPTY, ParsedAddress
from sync_platform.matching.scripts import fold, has_han, split_scripts

_LETTER = re.compile("[a-z]")
SHORTEST_CHINESE = 4
"""Characters of a Chinese address beside English text; fewer are a name in an English address."""


@lru_cache(maxsize=200_000)
def parse_addresses(*texts: str) -> tuple[ParsedAddress, ParsedAddress]:
    """The English and the Chinese address in these texts, in either order; EMPTY where there is none."""
    english = chinese = EMPTY
    for text in texts:
        folded = fold(text)
        if not folded:
            continue
        if has_han(folded):
            latin, han = split_scripts(folded)
            if chinese is EMPTY and (len(han) >= SHORTEST_CHINESE or not latin):
                chinese = parse_chinese(folded)
            if english is EMPTY and len(_LETTER.findall(latin)) > len(folded) / 2:
                english = parse_english(latin)
        elif english is EMPTY:
            english = parse_english(folded)
    return english, chinese
