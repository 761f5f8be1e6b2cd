"""Parsed listings: each value in the form in which it is compared.

What belongs here: converting columns into comparable values. The modules for names, addresses and so on parse single
values; `evidence` compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.area_in_address import area_in_address
from sync_platform.matching.cuisines import parse_cuisines
from sync_platform.matching.parallel_map import ParallelMap
from sync_platform.matching.parsed_address import ParsedAddress
from sync_platform.matching.phones import parse_phones
from sync_platform.matching.restaurant_names import ParsedName, parse_names
from sync_platform.matching.scripts import fold
from sync_platform.quality.areas import NamedArea

Strings = np.ndarray
"""A one-dimensional array of Python strings (dtype object), one per listing."""


@dataclass
class ParsedListings:
    """Parsed listings in order of (source, source_id); all fields are by position.

    `areas` are those that addresses name, of listings without coordinates.
    """

    sources: list[str]
    ids: list[str]
    english: list[ParsedName]
    chinese: list[ParsedName]
    address_en: list[ParsedAddress]
    address_zh: list[ParsedAddress]
    phones: list[tuple[str, ...]]
    cuisines: list[frozenset[str]]
    cities: list[str]
    licences: list[str]
    latitude: np.ndarray
    longitude: np.ndarray
    areas: list[NamedArea | None]
    is_duplicate: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def listings(self) -> pl.DataFrame:
        """Columns `source`, `source_id` and `is_duplicate`."""
        return pl.DataFrame(
            {"source": self.sources, "source_id": self.ids, "is_duplicate": self.is_duplicate},
            schema={"source": pl.String, "source_id": pl.String, "is_duplicate": pl.Boolean},
        )

    @cached_property
    def source_numbers(self) -> np.ndarray:
        """The source of each listing as a number, in alphabetical order."""
        numbers = {source: number for number, source in enumerate(sorted(set(self.sources)))}
        return np.array([numbers[source] for source in self.sources], dtype=np.int32)

    def groups(self, *, within_sources: bool = False) -> np.ndarray:
        """A number for each listing: two listings of one group are not compared.

        A source lists a place once, so its listings are one group. A second listing is a group of its own, and
        `within_sources` every listing is.
        """
        alone = np.arange(len(self)) + len(self)
        return np.where(self.is_duplicate | within_sources, alone, self.source_numbers)


def parse_listings(table: pl.DataFrame) -> ParsedListings:
    """The parsed listings of a sorted table in `listing_table.SCHEMA`."""
    return ListingParser().parse(table)


class ListingParser:
    """Parses tables of listings; what is in several of them is parsed once."""

    def __init__(self) -> None:
        self._addresses: dict[tuple[str, str], tuple[ParsedAddress, ParsedAddress]] = {}

    def parse(self, table: pl.DataFrame) -> ParsedListings:
        """The parsed listings of a sorted table in `listing_table.SCHEMA`."""
        columns = {name: table[name].to_list() for name in table.columns if name not in ("latitude", "longitude")}
        written = table.select(pl.col("address_en", "address_zh").fill_null("")).rows()
        new = list(dict.fromkeys(texts for texts in written if texts not in self._addresses))
        with ParallelMap(parse_addresses, new) as parsed:  # most of the work
            names = [
                parse_names(first or "", second or "")
                for first, second in zip(columns["name_en"], columns["name_zh"], strict=True)
            ]
            phones = [parse_phones(text) if text else () for text in columns["phone"]]
            self._addresses.update(zip(new, parsed.results(), strict=True))
        addresses = [self._addresses[texts] for texts in written]
        marked = [
            bool(is_marked) or any(name.is_second_listing for name in pair)
            for is_marked, pair in zip(columns["is_duplicate"], names, strict=True)
        ]
        return ParsedListings(
            sources=columns["source"],
            ids=columns["source_id"],
            english=[pair[0] for pair in names],
            chinese=[pair[1] for pair in names],
            address_en=[pair[0] for pair in addresses],
            address_zh=[pair[1] for pair in addresses],
            phones=phones,
            cuisines=[parse_cuisines(tuple(found)) if found else frozenset() for found in columns["cuisines"]],
            cities=[_city(text) if text else "" for text in columns["city"]],
            licences=[_licence(text) if text else "" for text in columns["licence_number"]],
            latitude=table["latitude"].to_numpy(),
            longitude=table["longitude"].to_numpy(),
            areas=[
                area_in_address(first or "", second or "") if latitude is None or longitude is None else None
                for first, second, latitude, longitude in table.select(
                    "address_en", "address_zh", "latitude", "longitude"
                ).iter_rows()
            ],
            is_duplicate=np.array(marked, dtype=bool),
        )  # fmt: skip


@lru_cache(maxsize=10_000)
def _city(text: str) -> str:
    return fold(text).partition(",")[0].strip()


def _licence(text: str) -> str:
    return "".join(character for character in fold(text) if character.isalnum())
