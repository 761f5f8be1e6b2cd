"""Frequent values: a text that fills an improbable share of a column is reported as drift, a chain is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_platform.platforms import load_platforms
from sync_platform_tests.lake.harness import LakeHarness


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path, platform=load_platforms()["chope"])
    yield harness
    harness.lake.close()


def _shops(count: int, **same: str) -> list[dict[str, Any]]:
    return [
        {
            "rid": f"hk{n}",
            "name": f"Lantern {n}",
            "name_zh": f"{chr(0x4E00 + n)}館",
            "address": f"{n} Java Road",
            **same,
        }
        for n in range(count)
    ]


def _others(count: int) -> list[dict[str, Any]]:
    return [{**shop, "rid": f"other{shop['rid']}"} for shop in _shops(count)]


@pytest.mark.parametrize("column", ["name", "name_zh", "address"])
def test_a_text_that_fills_a_column_is_told_with_an_example(harness: LakeHarness, column: str) -> None:
    text = "資料整理中"
    outcome = harness.sync([*_others(150), *_shops(20, **{column: text})], hour=0)
    (drift,) = outcome.drift
    assert (drift.kind, drift.records, drift.of) == ("placeholder", 20, 170)
    assert text in drift.in_words("chope.restaurants")
    assert harness.ask("SELECT kind, path FROM quality.drift") == [("placeholder", drift.path)]
    assert outcome.record.status == "complete"


def test_a_rare_text_beside_names_of_every_kind_is_told(harness: LakeHarness) -> None:
    (drift,) = harness.sync([*_others(400), *_shops(12, name="Being updated")], hour=0).drift
    assert (drift.path, drift.records) == ("name_en", 12)


def test_a_chain_and_a_delta_are_not_told(harness: LakeHarness) -> None:
    chain = _shops(20, name="Golden Arches", name_zh="金拱門")
    assert harness.sync([*_others(400), *chain], hour=0).drift == []
    changed = [{**shop, "address": f"1 {shop['address']}"} for shop in chain]
    assert harness.sync(changed, hour=1, mode="incremental").drift == []
