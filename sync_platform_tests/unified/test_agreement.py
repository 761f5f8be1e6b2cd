"""Agreement with the register and the other platforms: each defect is found by its own measure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from sync_platform.unified.agreement import ACCURACY, CONSISTENCY

from .harness import UnificationHarness, place, settle

SOUND = {"register_name", "register_address", "phone_across", "place_across", "cuisines_across"}


DEFECTS: tuple[tuple[Callable[[dict[str, Any]], dict[str, Any]], set[str]], ...] = (
    (lambda at: {}, set()),
    (lambda at: {"phone": "2999 9999"}, {"phone_across"}),
    (lambda at: {"latitude": at["latitude"] + 0.004}, {"place_across"}),
    (lambda at: {"cuisines": ["French"]}, {"cuisines_across"}),
    (lambda at: {"cuisines": ["French", *at["cuisines"], "Dim Sum"]}, set()),
    (lambda at: {"cuisines": ["Chinese"]}, set()),
    (lambda at: {"cuisines": ["Sichuan"]}, {"cuisines_across"}),
    (lambda at: {"name_en": "Quite Another"}, {"register_name"}),
    (lambda at: {"address_en": at["address_en"].replace("G/F, ", "G/F, 9")}, {"register_address"}),
)
"""Changed columns of one of four listings of a place, and the measure that finds the change."""


def test_each_defect_is_found_by_its_own_measure_and_no_other(harness: UnificationHarness) -> None:
    settle(harness, 12)
    for number, (change, _) in enumerate(DEFECTS):
        at = place(number)
        harness.list("eatigo", f"e{number}", **at)
        harness.list("data_gov_hk", f"220000000{number}", **at, expires_on=date(2099, 1, 1))
        harness.list("chope", f"c{number}", **{**at, **change(at)})
    harness.unify()
    restaurants, names = harness.restaurants(), (*ACCURACY, *CONSISTENCY)
    for number, (_, wrong) in enumerate(DEFECTS):
        assert restaurants["chope", f"c{number}"] == restaurants["data_gov_hk", f"220000000{number}"]
        row = harness.one(f"SELECT {', '.join(names)} FROM unified.members WHERE source_id = 'c{number}'")
        verdicts = dict(zip(names, row, strict=True))
        assert {name for name, verdict in verdicts.items() if verdict is False} == wrong
        assert {name for name, verdict in verdicts.items() if verdict is True} >= SOUND - wrong
