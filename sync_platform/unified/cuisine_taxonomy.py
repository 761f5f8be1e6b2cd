"""The taxonomy of cuisines: the codes that the words of the platforms mean.

What belongs here: mapping words to codes of the vocabulary `cuisines`. The words are those of the vocabulary
`cuisine_words`, and the names of the codes themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import polars as pl

from sync_platform.matching.scripts import fold, split_scripts
from sync_platform.vocabularies.declared_vocabularies import CUISINE_WORDS, CUISINES
from sync_platform.vocabularies.vocabulary import Edition

CODES = "cuisine_codes"
"""The column of listings with the codes of their cuisines."""
BROADER_CODES = "broader_cuisine_codes"
"""The column of listings with the codes of the broader cuisines that their cuisines belong to."""
_NOT_LETTERS = re.compile(r"[\W_]+")
_BETWEEN = re.compile(r"[,/&;|、·+()（）\-–]|\band\b|及|和")
_ADDITIONS = re.compile(
    r"(?: (?:cuisines?|foods?|restaurants?|style|dish|dishes))+$|(?:料理|菜式|菜馆|菜|餐厅|美食|类)$"
)


class CuisineNames(NamedTuple):
    english: str
    chinese: str


class CuisineTaxonomy:
    """Maps words to codes. `names`: of each code, in both languages. `broader`: the cuisines that it belongs to."""

    def __init__(self, cuisines: Edition, words: Edition) -> None:
        self.names = {row["code"]: CuisineNames(row["name_en"], row["name_zh"]) for row in cuisines.rows}
        self.broader: dict[str, tuple[str, ...]] = {row["code"]: tuple(row["within"]) for row in cuisines.rows}
        self._codes: dict[str, tuple[str, ...]] = {
            key: (code,) for code, names in self.names.items() for key in map(_key, (code, *names))
        }
        self._codes |= {_key(row["word"]): tuple(row["cuisines"]) for row in words.rows}

    def codes_of(self, word: str) -> tuple[str, ...] | None:
        """The codes that a word means, none where it names no cuisine; None where the word is not mapped."""
        key = _key(word)
        codes = self._known(key)
        if codes is None:
            latin, han = (_key(part) for part in split_scripts(fold(word)))
            if latin and han:  # a word in both languages
                codes = self._known(latin) or self._known(han)
        if codes is None:
            codes = self._of_parts(part for part in map(_key, _BETWEEN.split(fold(word))) if part and part != key)
        return codes

    def codes(self, words: Sequence[str]) -> list[str]:
        """The codes of several words, sorted; words that are not mapped are left out."""
        return sorted({code for word in words for code in self.codes_of(word) or ()})

    def broader_codes(self, codes: Iterable[str]) -> list[str]:
        """The codes of the broader cuisines that these belong to, sorted."""
        return sorted({broader for code in codes for broader in self.broader.get(code, ())})

    def _known(self, key: str) -> tuple[str, ...] | None:
        bare = _ADDITIONS.sub("", key)
        forms = (key, bare, bare.removesuffix("s"))
        return next((codes for form in forms if (codes := self._codes.get(form)) is not None), None)

    def _of_parts(self, parts: Iterable[str]) -> tuple[str, ...] | None:
        """The codes of a word that lists several; None where one of them is not mapped."""
        codes_by_part = [self._known(part) for part in parts]
        if not codes_by_part or any(codes is None for codes in codes_by_part):
            return None
        return tuple(dict.fromkeys(code for codes in codes_by_part if codes for code in codes))


def taxonomy_of(editions: Iterable[Edition]) -> CuisineTaxonomy:
    """The taxonomy of these editions."""
    by_name = {edition.name: edition for edition in editions}
    return CuisineTaxonomy(by_name[CUISINES.name], by_name[CUISINE_WORDS.name])


def with_cuisine_codes(listings: pl.DataFrame, taxonomy: CuisineTaxonomy) -> pl.DataFrame:
    """The listings with the codes of their cuisines, and of broader ones; null where no word is mapped to any."""
    codes = [taxonomy.codes(words) or None if words else None for words in listings["cuisines"].to_list()]
    broader = [taxonomy.broader_codes(each) or None if each else None for each in codes]
    kind = pl.List(pl.String)
    return listings.with_columns(pl.Series(CODES, codes, kind), pl.Series(BROADER_CODES, broader, kind))


def _key(word: str) -> str:
    """The form in which words are compared: folded, without punctuation."""
    return _NOT_LETTERS.sub(" ", fold(word)).strip()
