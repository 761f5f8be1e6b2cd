"""The grammar of addresses compared with addresses labelled by hand.

The addresses are of the public register and of a delivery platform: for building the grammar (`build`, `mend`) and for
measuring it (`measure`, `second`, `third`, `fourth`, `fifth`). Each set for a measure was drawn at random and labelled
before any of its addresses was parsed. The sets `fourth_places` and `fifth_places` were drawn among addresses that
contain a word of an estate or a phase. English streets are labelled without their kind, as the parser writes them.

Two values are equal where they are the same text after folding, without spaces and signs, with "Mansion" as "Building"
and 樓 of 大樓 as 廈; house numbers are equal where both ends of the interval are. A value counts once per address.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.scripts import fold, has_han

LABELS = Path(__file__).parent / "labelled_addresses.csv"
HALVES = ("build", "measure", "second", "mend", "third", "fourth", "fourth_places", "fifth", "fifth_places")
PARTS = ("street", "numbers", "building", "estate", "phase", "floors", "units")
LEAST_F1 = {
    "street": 0.97,
    "numbers": 0.97,
    "building": 0.97,
    "estate": 0.95,
    "phase": 0.97,
    "floors": 0.97,
    "units": 0.97,
}
"""By part. Estates and phases are few: one error among 8 estates already costs 0.06."""
LEAST_F1_OF_PART = {"third": {**LEAST_F1, "building": 0.92}, "fifth": {**LEAST_F1, "phase": 0.95}}
"""Of the parts of the file that show more errors."""
Parts = dict[str, set[object]]


def labelled(part_of_file: str) -> list[dict[str, str]]:
    with LABELS.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["half"] == part_of_file]


def _name(text: str) -> str:
    """A name without spaces, in the spelling in which names are compared."""
    plain = fold(text).replace(" ", "").replace("mansion", "building").replace("大楼", "大厦").replace("路", "道")
    return re.sub(r"^the|[^\w]", "", plain)


def _units(text: str) -> set[object]:
    found: set[object] = set()
    for code in filter(None, text.split(",")):
        if span := re.fullmatch(r"([a-z]*)(\d+)-[a-z]*(\d+)", code):
            found |= {f"{span[1]}{number}" for number in range(int(span[2]), int(span[3]) + 1)}
        else:
            found.add(re.sub(r"(?<!\d)0+(?=\d)", "", code))
    return found


def expected(row: dict[str, str]) -> Parts:
    doors = [re.fullmatch(r"(.*?)(?: (\d+)(?:-(\d+))?)?", door.strip()) for door in row["doors"].split(";") if door]
    found: list[re.Match[str]] = [door for door in doors if door]
    return {
        "street": {_name(door[1]) for door in found},
        "numbers": {(int(door[2]), int(door[3] or door[2])) for door in found if door[2]},
        "building": {_name(name) for name in row["buildings"].split(";") if name},
        "estate": {_name(row["estate"])} - {""},
        "phase": set(filter(None, row["phases"].split(","))),
        "floors": set(filter(None, row["floors"].split(","))),
        "units": _units(row["units"]),
    }


def parsed(address: str) -> Parts:
    read = parse_addresses(address)[has_han(fold(address))]
    return {
        "street": {_name(door.street) for door in read.doors if door.street},
        "numbers": {(door.first, door.last) for door in read.doors if door.first},
        "building": {_name(name) for name in read.buildings},
        "estate": {_name(read.estate)} - {""},
        "phase": set(read.phases),
        "floors": set(read.floors),
        "units": set(read.units),
    }


@pytest.mark.parametrize("part_of_file", HALVES)
@pytest.mark.parametrize("part", PARTS)
def test_the_grammar_finds_the_parts_of_labelled_addresses(part_of_file: str, part: str) -> None:
    rows = labelled(part_of_file)
    pairs = [(expected(row)[part], parsed(row["address"])[part]) for row in rows]
    right = sum(len(want & got) for want, got in pairs)
    f1 = 2 * right / sum(len(want) + len(got) for want, got in pairs)
    print(f"{part_of_file} {part}: {f1:.3f} of {sum(len(want) for want, _ in pairs)} labels")
    assert f1 >= LEAST_F1_OF_PART.get(part_of_file, LEAST_F1)[part]


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        # A floor behind a Latin name, and floors that only some buildings have.
        ("九龍灣宏照道38號MEGABOX10樓5號舖", {"building": {"megabox"}, "floors": {"10"}}),
        ("九龍塘達之路80號又一城LG1樓LG1-05號舖", {"building": {"又一城"}, "floors": {"lg1"}}),
        ("旺角亞皆老街8號朗豪坊4A樓2號鋪", {"building": {"朗豪坊"}, "floors": {"4a"}}),
        ("中環遮打道10號太子大廈地庫一層B4舖", {"building": {"太子大廈"}, "floors": {"b1"}}),
        # A street without a number, a number in front of its street, and a number of a village's house.
        ("荃灣荃興徑荃發大廈地下A舖", {"street": {"荃興徑"}, "building": {"荃發大廈"}}),
        ("西灣河6-28愛民街新利大廈地下", {"street": {"愛民街"}, "numbers": {(6, 28)}, "building": {"新利大廈"}}),
        ("大埔布心排村210C地下", {"street": {"布心排村"}, "numbers": {(210, 210)}, "building": set()}),
        ("油塘鯉魚門道鯉魚門廣場地下3號舖", {"street": {"鯉魚門道"}, "building": {"鯉魚門廣場"}}),
        # A street behind an estate, and an estate in front of a street.
        ("屯門友愛邨友愛路H.A.N.D.S地下", {"street": {"友愛路"}, "estate": {"友愛邨"}, "building": {"hands"}}),
        ("美孚新邨蘭秀道17A號地下", {"street": {"蘭秀道"}, "estate": {"美孚新邨"}}),
        # Two names without a space: of a complex and a building in it, in two scripts, or the second repeats the first.
        ("尖沙咀海港城海運大廈地下", {"building": {"海港城", "海運大廈"}}),
        ("旺角太子道西193號MOKO新世紀廣場3樓", {"building": {"moko", "新世紀廣場"}}),
        ("上水新成路88號海禧華庭海禧廣場地下", {"building": {"海禧華庭", "海禧廣場"}}),
        ("荃灣眾安街55號大鴻輝(荃灣)中心2樓", {"building": {"大鴻輝荃灣中心"}}),
        # Lots by their Latin abbreviations, other names in brackets, and descriptions behind a name.
        ("將軍澳TKOTL27新都城第二期第2層2084鋪", {"building": {"新都城"}, "phase": {"2"}}),
        ("黃大仙竹園道15號竹園(南)邨商業大樓(即竹園廣場)一樓", {"estate": {"竹園南邨"}, "building": {"商業大樓"}}),
        ("大坑東邨東龍樓毗鄰的獨立建築物", {"estate": {"大坑東邨"}, "building": {"東龍樓"}}),
        ("Shop 1, G/F, 9 Wing Lok Street, Tseung Kawn O", {"building": set()}),
        ("1/F (RESTAURANT AREA), NOVOTEL CITYGATE, 51 MAN TUNG ROAD", {"building": {"novotel citygate"}}),
        ("Noodle World, G/F, 43 Sai Kung Hoi Pong Street", {"building": set()}),
        ("Shop 7A-B, G/F, 3 Wing Lok Street", {"units": {"7a", "7b"}}),
        ("NO.5, 7 & 9, FU NING STREET, TO KWA WAN", {"numbers": {(5, 5), (7, 7), (9, 9)}}),
    ],
)
def test_kinds_of_parts_that_were_wrong_once(address: str, parts: Parts) -> None:
    read = parsed(address)
    assert {part: read[part] for part in parts} == {
        part: {
            _name(value) if isinstance(value, str) and part in ("street", "building", "estate") else value
            for value in values
        }
        for part, values in parts.items()
    }
