"""Parsed values: names, scripts, addresses, telephone numbers, sounds and cuisines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.cuisines import parse_cuisines
from sync_platform.matching.phones import parse_phones
from sync_platform.matching.restaurant_names import EMPTY, parse_names
from sync_platform.matching.romanisation import sound_of_chinese, sound_of_english
from sync_platform.matching.scripts import fold
from sync_platform_tests.extent import examples

CHINESE_AND_ENGLISH = st.text(st.characters(categories=("L", "N", "P", "Zs", "Co"), max_codepoint=0xFFFF), max_size=40)


@settings(max_examples=examples(200), deadline=None)
@given(CHINESE_AND_ENGLISH)
def test_folding_folded_text_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@settings(max_examples=examples(200), deadline=None)
@given(CHINESE_AND_ENGLISH)
def test_parsing_a_parsed_name_changes_nothing(text: str) -> None:
    for name in parse_names(text):
        # "x at/y" is one name, whose words read again, "x at y", are a name and a branch
        if name.whole.isascii() and " at " not in name.whole:
            assert parse_names(name.whole)[0].core == name.core


@settings(max_examples=examples(200), deadline=None)
@given(CHINESE_AND_ENGLISH)
def test_every_parser_accepts_any_text(text: str) -> None:
    parse_names(text, text)
    parse_addresses(text, text)
    parse_phones(text)
    parse_cuisines((text,))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ＡＢＣ　Ｃａｆé", "abc cafe"),
        ("蓮香樓", "莲香楼"),
        ("鷄粥麪", "雞粥麵"),
        ("\ue517魚涌", "鰂魚涌"),  # HKSCS in the Private Use Area
        ("夏\ue16e道", "夏慤道"),
        ("金鳳餐廰", "金鳳餐廰"),
    ],
)
def test_variants_fold_to_one_form(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Joe's Cafe", "JOES CAFE"),
        ("Kam Wah Limited", "Kam Wah"),
        ("Fish & Chips", "fish and chips"),
        ("Copper Whale (Mong Kok)", "Copper Whale"),
        ("Copper Whale @ Mong Kok", "Copper Whale"),
        ("Copper Whale - Mong Kok Branch", "Copper Whale"),
        ("Blue Fig HK", "Blue Fig"),
    ],
)
def test_spellings_of_one_name_have_one_core(one: str, other: str) -> None:
    assert parse_names(one)[0].core == parse_names(other)[0].core


def test_a_name_in_both_scripts_in_one_column_is_two_names() -> None:
    english, chinese = parse_names("金華冰室 Kam Wah Cafe", "")
    assert (english.whole, chinese.whole) == ("kam wah cafe", "金华冰室")


def test_the_language_of_a_name_follows_from_its_script_not_its_column() -> None:
    assert parse_names("金華冰室", "Kam Wah")[0].whole == "kam wah"


def test_a_name_of_common_words_only_is_still_a_name() -> None:
    assert parse_names("The Restaurant")[0].core != ""
    assert parse_names("茶餐廳")[1].core == "茶餐厅"


@pytest.mark.parametrize("text", ["LLCȴ0", "Blue Figé Ltdé", "hong limited kong", "H.K. Ltd", "Kam Wah h limited k"])
def test_legal_words_are_removed_at_once_beside_any_letter(text: str) -> None:
    name = parse_names(text)[0]
    assert parse_names(name.whole)[0] == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("مطعم الأرز", ("مطعم", "الارز")),
        ("מסעדת הים", ("מסעדת", "הים")),
        ("Кафе Пушкин", ("кафе", "пушкин")),
        ("Ταβέρνα", ("ταβερνα",)),
        ("김밥천국", ("김밥천국",)),
        ("ครัวแม่", ("คร", "รั", "ัว", "วแ", "แม", "ม่")),
        ("鮨さくら", ("鮨さ", "さく", "くら")),
    ],
)
def test_a_name_in_any_script_has_words(text: str, words: tuple[str, ...]) -> None:
    assert parse_names(text) == (EMPTY, parse_names("", text)[1])
    assert parse_names(text)[1].words == words


def test_a_thai_name_with_its_romanisation_is_two_names() -> None:
    latin, thai = parse_names("ครัวคุณแม่ (Krua Khun Mae)")
    assert (latin.whole, thai.whole) == ("krua khun mae", "ครัวคุณแม่")


def test_the_kana_of_a_chinese_name_is_an_ornament() -> None:
    assert parse_names("優の良品")[1].core == parse_names("優良品")[1].core


@pytest.mark.parametrize("mark", ["[Extended Delivery]", "(Extended)", "(Pick up)", "【外送】", "(Take-away)"])
def test_marks_of_a_second_listing_are_recognised_and_removed(mark: str) -> None:
    english, _ = parse_names(f"Copper Whale {mark}")
    assert english.is_second_listing
    assert english.core == "copperwhale"


def test_an_empty_text_gives_an_empty_result() -> None:
    assert parse_names("", "") == (EMPTY, EMPTY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+852 2345 6789", ("23456789",)),
        ("852-23456789", ("23456789",)),
        ("310/246-1501", ("3102461501",)),
        ("+1 (310) 246-1501", ("3102461501",)),
        ("212/ 319-1660", ("2123191660",)),
        ("2345 6789 / 2345 6780", ("23456789", "23456780")),
        ("23456789; 23456789", ("23456789",)),
        ("23456789 ext. 12", ("23456789",)),
        ("03-1234-5678", ("312345678",)),
        ("+81 3-1234-5678", ("312345678",)),
        ("089 / 1234567", ("891234567",)),
        ("+49 89 1234567", ("891234567",)),
        ("+39 06 1234 5678", ("612345678",)),
        ("06 1234 5678", ("612345678",)),
        ("8 (495) 123-45-67", ("4951234567",)),
        ("+7 495 123-45-67", ("4951234567",)),
        ("٠٤-١٢٣٤٥٦٧", ("41234567",)),
        ("n/a", ()),
        ("0", ()),
    ],
)
def test_telephone_numbers(text: str, expected: tuple[str, ...]) -> None:
    assert parse_phones(text) == expected


@pytest.mark.parametrize(
    ("text", "number", "floors", "units", "street"),
    [
        ("Shop 305A, 3/F, Kam Hing Plaza, 12-14 Nathan Road, TST", (12, 14), {"3"}, {"305a"}, "nathan"),
        ("SHOP NO. 3A, G/F, 5 QUEEN'S ROAD CENTRAL, HONG KONG", (5, 5), {"g"}, {"3a"}, "queens c"),
        ("Shop 1, 3 & 5, G/F, 8 Foo St", (8, 8), {"g"}, {"1", "3", "5"}, "foo"),
        ("Shop 123, L1, Festival Walk, 80 Tat Chee Avenue", (80, 80), {"1"}, {"123"}, "tat chee"),
        ("435 s. la cienega blv.", (435, 435), set(), set(), "s la cienega"),
        ("42 e. 20th st.  between park ave. s and broadway", (42, 42), set(), set(), "e 20"),
        ("1215-17 Fifth Avenue", (1215, 1217), set(), set(), "5"),
        ("Basement, 9 Java Rd, North Point", (9, 9), {"b"}, set(), "java"),
    ],
)
def test_english_addresses(text: str, number: tuple[int, int], floors: set[str], units: set[str], street: str) -> None:
    read, _ = parse_addresses(text)
    assert ((read.first, read.last), read.floors, read.units, read.street) == (number, floors, units, street)


@pytest.mark.parametrize(
    ("text", "number", "floors", "units", "ending"),
    [
        ("尖沙咀彌敦道12至14號金興廣場3樓305A號舖", (12, 14), {"3"}, {"305a"}, "弥敦道"),
        ("香港北角 英皇道243-255號 國都廣場2樓及3樓全層", (243, 255), {"2", "3"}, set(), "英皇道"),
        ("新界荃灣 楊屋道8號  如心廣場第一期 地下 G01A號鋪", (8, 8), {"g"}, {"g1a"}, "杨屋道"),
        ("深水埗福榮街３５號地庫", (35, 35), {"b"}, set(), "福荣街"),
        ("旺角砵蘭街十號", (10, 10), set(), set(), "砵兰街"),
        ("中環德輔道中61號二十一樓", (61, 61), {"21"}, set(), "德辅道中"),
    ],
)
def test_chinese_addresses(text: str, number: tuple[int, int], floors: set[str], units: set[str], ending: str) -> None:
    _, read = parse_addresses(text)
    assert ((read.first, read.last), read.floors, read.units) == (number, floors, units)
    assert read.street.endswith(ending)


def test_both_languages_of_one_address_have_the_same_parts() -> None:
    english, _ = parse_addresses("Shop 4A, G/F, 47 Fuk Wing Street, Sham Shui Po")
    _, chinese = parse_addresses("深水埗福榮街47號地下4A號舖")
    assert (english.first, english.floors, english.units) == (chinese.first, chinese.floors, chinese.units)
    assert chinese.sound == english.sound and len(english.sound) == 2


@pytest.mark.parametrize(
    ("chinese", "english"),
    [("金興", "kam hing"), ("金興", "gam hing"), ("梁", "leung"), ("梁", "liang"), ("永", "wing"), ("陳記", "chan ki")],
)
def test_romanisations_sound_like_their_characters(chinese: str, english: str) -> None:
    assert sound_of_chinese(fold(chinese)) == sound_of_english(english.split()) != ""


def test_words_that_are_no_syllables_have_no_sound() -> None:
    assert sound_of_english(["restaurant", "blue", "x"]) == ""


def test_cuisines_are_their_words() -> None:
    assert parse_cuisines(("Noodles & Congee", "Hong Kong Style")) == parse_cuisines(("congee", "noodle"))
