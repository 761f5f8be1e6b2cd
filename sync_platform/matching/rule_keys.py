"""The keys that one blocking rule gives the listings, as numbers.

Most keys are a text within a cell of the map, and there are millions of them. So texts and cells are numbered, and a
key is written as text only where it is needed.

What belongs here: applying a rule to all listings. `blocking_rules` has the rules, `blocking` makes pairs of the keys.
"""

from __future__ import annotations

from array import array
from itertools import product
from typing import NamedTuple

import numpy as np
import polars as pl

from sync_platform.matching.blocking_rules import BlockingRule, KeysOf
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_listings import ParsedListings


class RuleKeys(NamedTuple):
    """The keys of a rule.

    `rows`: distinct rows of `number` (Int64, of the key) and `listing` (its position, Int32). A key is a text, or a
    text and a cell: then the number of the text is `number // len(cells)`, and that of the cell `number % len(cells)`.
    """

    rows: pl.DataFrame
    texts: pl.Series
    cells: pl.Series | None

    @property
    def size(self) -> int:
        """All numbers are below this one."""
        return len(self.texts) * (1 if self.cells is None else len(self.cells))

    def crowded(self, most: int) -> pl.Series:
        """The numbers of the keys that more than `most` listings have."""
        counted = self.rows.group_by("number").agg(pl.len().alias("count"))
        return counted.filter(pl.col("count") > most)["number"]

    def named(self, names: list[str]) -> pl.Series:
        """The numbers of the keys with these names."""
        numbers = self.rows["number"].unique()
        return numbers.filter(self.names(numbers).is_in(names)) if names else numbers.clear()

    def names(self, numbers: pl.Series) -> pl.Series:
        """The keys with these numbers as text."""
        if self.cells is None:
            return self.texts.gather(numbers)
        text, cell = self.texts.gather(numbers // len(self.cells)), self.cells.gather(numbers % len(self.cells))
        return pl.select(pl.concat_str(text, cell, separator=" ").str.strip_chars_start()).to_series()


def rule_keys(rule: BlockingRule, parsed: ParsedListings, frequencies: Frequencies) -> RuleKeys:
    """The keys that the rule gives these listings."""
    texts, rows = _numbered_texts(rule.keys, parsed, frequencies)
    if rule.cell_degrees is None:
        return RuleKeys(rows, texts, None)
    cells, in_cells = _numbered_cells(parsed, rule.cell_degrees)
    number = pl.col("number") * len(cells) + pl.col("cell")
    return RuleKeys(rows.join(in_cells, on="listing").select(number, "listing"), texts, cells)


def _numbered_texts(
    keys_of: KeysOf, parsed: ParsedListings, frequencies: Frequencies
) -> tuple[pl.Series, pl.DataFrame]:
    """The distinct texts that a rule's function gives, and distinct rows of `number` (of a text) and `listing`."""
    numbers: dict[str, int] = {}
    found, listings = array("q"), array("i")
    for at in range(len(parsed)):
        for text in keys_of(parsed, at, frequencies):
            found.append(numbers.setdefault(text, len(numbers)))
            listings.append(at)
    rows = pl.DataFrame({"number": np.array(found, np.int64), "listing": np.array(listings, np.int32)})
    return pl.Series(list(numbers), dtype=pl.String), rows.unique()


def _numbered_cells(parsed: ParsedListings, degrees: float) -> tuple[pl.Series, pl.DataFrame]:
    """The names of the cells of four grids, shifted by half a cell each, and rows of `cell` (its number), `listing`.

    Two points nearer than half a cell share at least one cell. A listing without coordinates has none.
    """
    located = np.flatnonzero(~np.isnan(parsed.latitude))
    grids = [
        pl.DataFrame(
            {
                "row": _steps(parsed.latitude[located], degrees, down),
                "column": _steps(parsed.longitude[located], degrees, right),
                "listing": located.astype(np.int32),
            }
        ).with_columns(grid=pl.lit(f"{down}{right}"))
        for down, right in product((0.0, 0.5), repeat=2)
    ]
    listed = pl.concat(grids)
    where = ["row", "column", "grid"]
    cells = listed.select(where).unique().with_row_index("cell")
    names = cells.select(pl.format("{} {} {}", *where)).to_series()
    return names, listed.join(cells, on=where).select(pl.col("cell").cast(pl.Int64), "listing")


def _steps(along: np.ndarray, degrees: float, shift: float) -> np.ndarray:
    """The numbers of the cells along one axis."""
    return np.floor(along / degrees + shift).astype(np.int64)
