"""The shipped vocabularies: each is valid, and changes only together with its version."""

from __future__ import annotations

import pytest

from sync_platform.sources.columns import Column
from sync_platform.vocabularies.declared_vocabularies import CUISINES, shipped_editions
from sync_platform.vocabularies.vocabulary import Edition, Vocabulary, read_edition, shipped_edition

SHIPPED = {
    "cuisine_words": (1, "67b2b41963a3"),
    "cuisines": (2, "d6f1a97bce9b"),
    "districts": (1, "fb8747c9e02d"),
}
"""The version and the digest of each vocabulary. Who changes its words raises its version, and states both here."""
WORDS = Vocabulary(
    "words",
    "Words of a test",
    ("word",),
    (Column("word", "VARCHAR", "Word"), Column("codes", "VARCHAR[]", "Codes"), Column("weight", "DOUBLE", "Weight")),
)
FILE = "# version: 3\n# source: a test\nword,codes,weight\none,a; b,1.5\ntwo,,\n"


@pytest.mark.parametrize("edition", shipped_editions(), ids=lambda edition: edition.name)
def test_a_vocabulary_changes_only_with_its_version(edition: Edition) -> None:
    assert (edition.version, edition.digest) == SHIPPED[edition.name]
    assert edition.rows and edition.source


def test_a_cuisine_names_all_broader_ones_and_none_lies_within_itself() -> None:
    within = {row["code"]: row["within"] for row in shipped_edition(CUISINES).rows}
    for code, broader in within.items():
        assert code not in broader
        assert set(broader) == {each for one in broader for each in (one, *within[one])}
    assert within["cantonese"] == ["chinese", "asian"]


def test_a_file_is_read_with_its_version_its_source_and_typed_rows() -> None:
    edition = read_edition(WORDS, FILE)
    assert (edition.title, edition.source) == ("words 3", "a test")
    assert [tuple(row.values()) for row in edition.rows] == [("one", ["a", "b"], 1.5), ("two", [], None)]
    assert read_edition(WORDS, FILE.replace("a test", "another")).digest == edition.digest
    assert read_edition(WORDS, FILE.replace("1.5", "1.6")).digest != edition.digest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("weight", "mass"), "words.csv: its columns are not word, codes, weight"),
        (FILE.replace("two", "one"), "words.csv: one is in two rows"),
        (FILE.replace("# version: 3\n", ""), "words.csv: it states no version"),
        (FILE.replace("1.5", "much"), "words.csv, one: much is no DOUBLE"),
    ],
)
def test_a_file_that_is_not_valid_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_edition(WORDS, text)
