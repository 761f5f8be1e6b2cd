"""Agreement with the register and the other platforms: each defect is found by its own measure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sync_platform.unified.agreement import ACCURACY, CONSISTENCY

from .town import Town, place, settle

SOUND = {"register_name", "register_address", "phone_across", "place_across"}


DEFECTS: tuple[tuple[Callable[[dict[str, Any]], dict[str, Any]], set[str]], ...] = (
    (lambda at: {}, set()),
    (lambda at: {"phone": "2999 9999"}, {"phone_across"}),
    (lambda at: {"latitude": at["latitude"] + 0.004}, {"place_across"}),
    (lambda at: {"name_en": "Quite Another"}, {"register_name"}),
    (lambda at: {"address_en": at["address_en"].replace("G/F, ", "G/F, 9")}, {"register_address"}),
)
"""What one of four listings of a place says otherwise, and the measure that finds it."""


def test_each_defect_is_found_by_its_own_measure_and_no_other(town: Town) -> None:
    settle(town, 12)
    for number, (change, _) in enumerate(DEFECTS):
        at = place(number)
        town.list("eatigo", f"e{number}", **at)
        town.list("data_gov_hk", f"220000000{number}", **at, expires_on=date(2099, 1, 1))
        town.list("chope", f"c{number}", **{**at, **change(at)})
    town.unify()
    restaurants, names = town.restaurants(), (*ACCURACY, *CONSISTENCY)
    for number, (_, wrong) in enumerate(DEFECTS):
        assert restaurants["chope", f"c{number}"] == restaurants["data_gov_hk", f"220000000{number}"]
        row = town.one(f"SELECT {', '.join(names)} FROM unified.members WHERE source_id = 'c{number}'")
        verdicts = dict(zip(names, row, strict=True))
        assert {name for name, verdict in verdicts.items() if verdict is False} == wrong
        assert {name for name, verdict in verdicts.items() if verdict is True} >= SOUND - wrong
