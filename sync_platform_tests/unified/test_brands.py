"""Brands: restaurants with one name or one stated chain are branches of one brand, whose id stays."""

from __future__ import annotations

import pytest

from sync_platform.unified.brand_groups import NamedRestaurant, brand_groups
from sync_platform.unified.brands import name_keys

from .harness import UnificationHarness, place, settle


def _restaurant(number: int, english: str | None = None, chinese: str | None = None, **facts: str) -> NamedRestaurant:
    return NamedRestaurant(
        f"r{number}", english, chinese, facts.get("website"), (facts["chain"],) if "chain" in facts else ()
    )


@pytest.mark.parametrize(
    ("restaurants", "groups"),
    [
        ([_restaurant(1, "lucky", "好運"), _restaurant(2, "lucky", "好運")], ["r1 r2"]),
        ([_restaurant(1, "lucky", "好運"), _restaurant(2, "lucky", "幸運")], []),
        ([_restaurant(1, "lucky"), _restaurant(2, "lucky")], []),
        ([_restaurant(1, "lucky"), _restaurant(2, "lucky"), _restaurant(3, "lucky")], ["r1 r2 r3"]),
        ([_restaurant(1, None, "文記"), _restaurant(2, None, "文記"), _restaurant(3, None, "文記")], []),
        ([_restaurant(1, "lucky", website="lucky.hk"), _restaurant(2, "lucky", website="lucky.hk")], ["r1 r2"]),
        ([_restaurant(1, "lucky", website="hotel.hk"), _restaurant(2, "happy", website="hotel.hk")], []),
        ([_restaurant(1, "lucky", chain="foodpanda/l"), _restaurant(2, "l noodle", chain="foodpanda/l")], ["r1 r2"]),
        ([_restaurant(1, "lucky", "好運"), _restaurant(2, "lucky", "好運"), _restaurant(3, "lucky")], ["r1 r2 r3"]),
    ],
)
def test_names_and_chains_make_brands(restaurants: list[NamedRestaurant], groups: list[str]) -> None:
    assert [" ".join(group) for group in brand_groups(restaurants)] == groups


def test_names_are_compared_without_branch_and_generic_names_not_at_all() -> None:
    assert name_keys("Lei Garden (North Point)", "利苑酒家(北角店)") == ("lei garden", "利苑酒家")
    assert name_keys("Restaurant", None) == (None, None)


def test_a_brand_keeps_its_id_while_branches_come_and_go(harness: UnificationHarness) -> None:
    settle(harness, 12)
    for number in (3, 5):
        named = {"name_en": f"Lei Garden @ Branch {number}", "name_zh": "利苑酒家", "brand_name": "Lei Garden"}
        harness.list("eatigo", f"e{number}", **{**place(number + 100), **named})
    harness.unify()
    brand = harness.one("SELECT brand_id, restaurants, evidence, name_zh FROM unified.brands WHERE removed_at IS NULL")
    assert brand[1:] == (2, ["name_en", "name_zh", "chain"], "利苑酒家")
    harness.list("eatigo", "e7", **{**place(107), "name_en": "Lei Garden", "name_zh": "利苑酒家"})
    harness.forget("eatigo", "e3")
    harness.unify()
    assert harness.one("SELECT brand_id, restaurants FROM unified.brands WHERE removed_at IS NULL") == (brand[0], 2)
    assert harness.one("SELECT count(*) FROM unified.branches WHERE removed_at IS NULL") == (2,)
    assert harness.unify().run["updated"] == 0
    harness.forget("eatigo", "e5")
    harness.unify()
    assert harness.one("SELECT brand_id, merged_into FROM unified.brands WHERE removed_at IS NOT NULL") == (
        brand[0],
        None,
    )
