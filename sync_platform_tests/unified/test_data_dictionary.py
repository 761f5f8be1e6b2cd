"""The data dictionary in docs/unified.md is the one that the program declares: each column, its meaning, its source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.lake.tracked_table import COMPUTED_KEPT
from sync_platform.lineage.provenance import COMBINED_FIELDS
from sync_platform.platforms import load_platforms
from sync_platform.sources.columns import columns_of
from sync_platform.unified.golden import COLUMNS_OF, STATUS_FIELDS
from sync_platform.unified.listings import listing_sources
from sync_platform.unified.survivorship_rules import RULES
from sync_platform.unified.tables import OPENING_HOURS, RESTAURANTS

PAGE = Path(__file__).parents[2] / "docs" / "unified.md"
HEADING = "## Data dictionary\n"
END = "\n## A new platform"
OTHER_SOURCES = {
    **dict.fromkeys(STATUS_FIELDS, "all listings: see “Status” and “Licence” above"),
    **COMBINED_FIELDS,
    **dict.fromkeys(
        (
            "district_en",
            "district_zh",
            "neighbourhood",
            "neighbourhood_en",
            "neighbourhood_zh",
            "area",
            "area_en",
            "area_zh",
            "district_evidence",
        ),
        "the listing of `district`, by reference.districts",
    ),
    **dict.fromkeys(("cuisines_en", "cuisines_zh"), "reference.cuisines"),
    **dict.fromkeys(("name_key_en", "name_key_zh"), "the listing of the name"),
    "chains": "the listings whose platforms state a chain",
    "restaurant_id": "the founding listing: see “Ids” above",
    "founded_by": "the founding listing",
    "founded_at": "the founding listing",
    "merged_into": "matching",
    "why": "survivorship",
    **{column.name: "the run that writes the row" for column in COMPUTED_KEPT},
}


def test_the_data_dictionary_is_the_one_that_the_program_declares() -> None:
    """After an intended change, delete what is below its heading, run this test again, and read the difference."""
    head, heading, rest = PAGE.read_text().partition(HEADING)
    stated, end, tail = rest.partition(END)
    declared = "\n".join(_lines())
    if not stated.strip():
        PAGE.write_text(head + heading + declared + end + tail)
        pytest.fail("the data dictionary in docs/unified.md was missing and has been written: run again")
    assert stated == declared, "the data dictionary in docs/unified.md is out of date: delete it, and run this test"


def _lines() -> Iterator[str]:
    yield ""
    for table in (RESTAURANTS, OPENING_HOURS):
        yield f"### unified.{table.name}\n"
        yield f"{table.description}.\n"
        yield "| column | type | meaning, unit or form | source |"
        yield "|---|---|---|---|"
        for column in (*table.columns, *COMPUTED_KEPT):
            source = _source(column.name) if table is RESTAURANTS else _source_of_hours(column.name)
            yield f"| `{column.name}` | {column.sql_type} | {_cell(column.description)} | {_cell(source)} |"
        yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _source(name: str) -> str:
    """Where a column of a restaurant comes from: the platforms whose listings have the columns of its rule."""
    for rule in RULES:
        if name in COLUMNS_OF.get(rule.name, (rule.name,)):
            columns = rule.read
            return ", ".join(
                each.platform
                for each in listing_sources(load_platforms())
                if any(
                    column in each.dataset.listing or column in {own.name for own in columns_of(each.dataset.row)}
                    for column in columns
                )
            )
    return OTHER_SOURCES[name]


def _source_of_hours(name: str) -> str:
    if name in OTHER_SOURCES:
        return OTHER_SOURCES[name] if name != "restaurant_id" else "unified.restaurants"
    return f"{_source('opening_hours_osm')}: the listing of `platform` and `source_id`"
