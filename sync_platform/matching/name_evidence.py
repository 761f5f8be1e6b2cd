"""The evidence of names: the levels of pairs of names in one script."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz

from sync_platform.matching.area_names import chinese_areas, english_areas
from sync_platform.matching.comparisons import BRANCH, NAME, UNKNOWN
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.restaurant_names import GENERIC, ParsedName
from sync_platform.matching.text_columns import Array, DistinctValues, TextColumn, similarity

NEARLY, SIMILAR, FAINT = 88.0, 70.0, 50.0  # of 100
WITHIN_AT_LEAST = 30.0  # of 100: less similar names are not checked for one being part of the other
FEW_NAMES = 4.0  # words are rare if at most this many names have all of them by chance
SHORTEST_SOUND = 2
BRANCHES_AGREE = 70.0


class NameEvidence:
    """Names of one script, by listing. Its columns are by distinct name."""

    def __init__(self, names_of_listings: list[ParsedName], frequencies: Frequencies, *, is_english: bool) -> None:
        self._distinct = DistinctValues(names_of_listings)
        names = self._distinct.values
        self._core = TextColumn([name.core for name in names])
        self._sorted = TextColumn([" ".join(sorted(name.words)) if is_english else name.whole for name in names])
        self._whole = TextColumn([_plain(name.whole) if is_english else name.whole for name in names])
        self._sound = TextColumn([name.sound for name in names])
        self._branch = TextColumn([name.branch for name in names])
        self._kind = [_kind(name, is_english=is_english) for name in names]
        self._words = [frozenset(name.words) for name in names]
        self._second_words = [_second_words(name, is_english=is_english) for name in names]
        self._has_second = np.array([bool(words) for words in self._second_words], dtype=bool)
        self._word_counts = np.fromiter(map(len, self._words), dtype=np.int32, count=len(names))
        self._is_rare = np.array([frequencies.names_by_chance(words) <= FEW_NAMES for words in self._words], dtype=bool)
        self._is_shared = np.array([frequencies.places_with_name(name.whole) > 1 for name in names], dtype=bool)
        self._shares_core = np.array([frequencies.places_with_name(name.core) > 1 for name in names], dtype=bool)

    def levels(self, left: Array, right: Array) -> Array:
        """The levels in the comparison `name`; UNKNOWN where either listing has no name in this script."""
        return self._distinct.compare_known(self._core.lengths > 0, left, right, self._levels, UNKNOWN)

    def branch_levels(self, left: Array, right: Array) -> Array:
        """The levels in the comparison `branch`; UNKNOWN where either name has no branch."""
        return self._distinct.compare_known(self._branch.lengths > 0, left, right, self._branch_levels, UNKNOWN)

    def sounds_alike(self, left: Array, other: NameEvidence, right: Array) -> Array:
        """How alike the names sound to those of another script, 0 to 100; -1 where either sound is too short."""
        one, theirs = self._distinct.numbers[left], other._distinct.numbers[right]
        return similarity(self._sound, one, other._sound, theirs, fuzz.ratio, SHORTEST_SOUND)

    def closeness(self, left: Array, right: Array) -> Array:
        """0 to 2; 0 where either name is unknown."""
        one, other = self._distinct.numbers[left], self._distinct.numbers[right]
        scorers = (fuzz.token_set_ratio, fuzz.ratio)
        return np.maximum(sum(similarity(self._whole, one, self._whole, other, scorer) for scorer in scorers), 0) / 100

    def _branch_levels(self, left: Array, right: Array) -> Array:
        alike = similarity(self._branch, left, self._branch, right, fuzz.token_set_ratio)
        return np.where(alike >= BRANCHES_AGREE, BRANCH.number("same"), BRANCH.number("different")).astype(np.int8)

    def _levels(self, left: Array, right: Array) -> Array:
        alike = similarity(self._core, left, self._core, right, fuzz.ratio)
        alike = np.maximum(alike, similarity(self._sorted, left, self._sorted, right, fuzz.ratio))
        level = np.full(len(left), NAME.number("different"), dtype=np.int8)
        level[alike >= FAINT] = NAME.number("faint")
        level[alike >= SIMILAR] = NAME.number("similar")
        unclear = np.flatnonzero(alike < SIMILAR)
        sound_similarity = similarity(
            self._sound, left[unclear], self._sound, right[unclear], fuzz.ratio, SHORTEST_SOUND + 1
        )
        level[unclear[sound_similarity == 100]] = NAME.number("similar")
        unclear = np.flatnonzero((alike < NEARLY) & (alike >= WITHIN_AT_LEAST))
        level[unclear[self._within(left[unclear], right[unclear])]] = NAME.number("within")
        unclear = np.flatnonzero((alike < NEARLY) & (self._has_second[left] | self._has_second[right]))
        level[unclear[self._in_second_name(left[unclear], right[unclear])]] = NAME.number("within")
        level[alike >= NEARLY] = NAME.number("near")
        same_whole = self._whole.codes[left] == self._whole.codes[right]
        same_core = self._core.codes[left] == self._core.codes[right]
        unclear = np.flatnonzero(same_core & ~same_whole)
        same_core[unclear] = self._kinds_agree(left[unclear], right[unclear])
        shared = np.where(
            same_whole,
            self._is_shared[left] | self._is_shared[right],
            self._shares_core[left] | self._shares_core[right],
        )
        same = same_whole | same_core
        level[same] = np.where(shared[same], NAME.number("same_shared"), NAME.number("same"))
        return level

    def _kinds_agree(self, left: Array, right: Array) -> Array:
        """True where both names state the same kind of restaurant, or only one states a kind."""
        kinds = [(self._kind[one], self._kind[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]
        return np.array([mine <= theirs or theirs <= mine for mine, theirs in kinds], dtype=bool)

    def _within(self, left: Array, right: Array) -> Array:
        """True where one name contains all words of the other, and these words are rare."""
        smaller_left = self._word_counts[left] <= self._word_counts[right]
        inner, outer = np.where(smaller_left, left, right), np.where(smaller_left, right, left)
        found = self._is_rare[inner]
        rare = np.flatnonzero(found)
        words = self._words
        found[rare] = [
            words[one] <= words[other] for one, other in zip(inner[rare].tolist(), outer[rare].tolist(), strict=True)
        ]
        return found

    def _in_second_name(self, left: Array, right: Array) -> Array:
        """True where the name of one is the second name of the other, and its words are rare."""
        words, second = self._words, self._second_words
        return np.array(
            [
                any(self._is_rare[inner] and words[inner] <= second[outer] for inner, outer in (pair, pair[::-1]))
                for pair in zip(left.tolist(), right.tolist(), strict=True)
            ],
            dtype=bool,
        )


def _second_words(name: ParsedName, *, is_english: bool) -> frozenset[str]:
    """The words behind a name or in its brackets, which may be a second name; none where they are an area."""
    if not name.branch or name.branch in english_areas() or name.branch in chinese_areas():
        return frozenset()
    if is_english:
        return frozenset(name.branch.split())
    return frozenset(name.branch[at : at + 2] for at in range(len(name.branch) - 1))


def _plain(whole: str) -> str:
    return " ".join(word for word in whole.split() if word not in ("the", "and", "a"))


def _kind(name: ParsedName, *, is_english: bool) -> frozenset[str]:
    if is_english:
        return frozenset(word for word in name.whole.split() if word in GENERIC and len(word) > 3)
    return frozenset(name.whole.removeprefix(name.core).split()) if name.whole.startswith(name.core) else frozenset()
