"""Agreement with the register and the other platforms: each defect is found by its own measure."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from sync_platform.unified.agreement import ACCURACY, CONSISTENCY

from .town import Town, place, settle

SOUND = {"register_name", "register_address", "phone_across", "place_across"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, set()),
        ({"phone": "2999 9999"}, {"phone_across"}),
        ({"latitude": place(3)["latitude"] + 0.004}, {"place_across"}),
        ({"name_en": "Quite Another"}, {"register_name"}),
        ({"address_en": "Shop 4, G/F, 99 Java Road"}, {"register_address"}),
    ],
)
def test_a_defect_is_found_by_its_own_measure_and_no_other(
    town: Town, changes: dict[str, Any], wrong: set[str]
) -> None:
    settle(town, 12)
    town.list("eatigo", "e3", **place(3))
    town.list("data_gov_hk", "2200000003", **place(3), expires_on=date(2099, 1, 1), district_en="Eastern")
    town.list("chope", "c3", **{**place(3), **changes})
    town.unify()
    assert town.restaurants()["chope", "c3"] == town.restaurants()["data_gov_hk", "2200000003"]
    names = ", ".join((*ACCURACY, *CONSISTENCY))
    row = town.one(f"SELECT {names} FROM unified.members WHERE source_id = 'c3'")
    verdicts = dict(zip((*ACCURACY, *CONSISTENCY), row, strict=True))
    assert {name for name, verdict in verdicts.items() if verdict is False} == wrong
    assert {name for name, verdict in verdicts.items() if verdict is True} >= SOUND - wrong
