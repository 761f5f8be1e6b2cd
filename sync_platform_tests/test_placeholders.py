"""Placeholders: what a source writes for a blank is None, and a real name is not."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from sync_platform.placeholders import is_placeholder
from sync_platform.platforms import load_platforms
from sync_platform.sources.declaration import Dataset

PLACEHOLDERS = (
    "(NO RECORD FOUND)", "No Record", "(沒有記錄)", "（沒有紀錄）", "没有记录", "未有資料", "暂无资料", "待定",
    "N/A", "n / a", "Ｎ／Ａ", "(N/A)", "N.A.", "TBC", "To be confirmed", "null", "NULL", "(None)", "(NIL)", "-", "--",
    "不適用", "未定", "－", "- -", "——", "/", "?", "()", "#N/A", "＃Ｎ/Ａ", "Not known", "未有登記", "无资料提供",
)  # fmt: skip
NAMES = ("None", "NONE", "Nil", "NA", "無", "Unknown", "無老鍋", "無印良品餐廳", "No Record Bar", "A", "&", "+", "99",
         "M+", "沒有記錄 / 石磨樂豆")  # fmt: skip


@pytest.mark.parametrize("text", PLACEHOLDERS)
def test_a_placeholder_is_recognised_in_any_spelling(text: str) -> None:
    assert is_placeholder(text, may_be_name=True)
    assert is_placeholder(text)


@pytest.mark.parametrize("text", NAMES)
def test_a_word_that_may_be_a_name_is_kept_in_a_column_of_names(text: str) -> None:
    assert not is_placeholder(text, may_be_name=True)


@pytest.mark.parametrize("text", ["None", "nil", "NA", "無", "unknown"])
def test_the_same_word_is_a_placeholder_where_no_name_can_be(text: str) -> None:
    assert is_placeholder(text)


def _rows(platform: str, dataset: str, *records: dict[str, Any]) -> list[Any]:
    declared: Dataset = load_platforms()[platform].dataset(dataset)
    decoder = msgspec.json.Decoder(declared.wire)
    return [declared.to_row(decoder.decode(json.dumps(record))) for record in records]


def test_the_register_has_no_name_where_it_writes_that_there_is_none() -> None:
    names = [("(no record found)", "沒有中文記錄"), ("NO RECORD", "(没有記錄)"), ("--", "沒有紀錄"), ("None", "無疆道")]
    records = [
        {"LICNO": f"22{number:08}", "SS_EN": english, "SS_TC": chinese}
        for number, (english, chinese) in enumerate(names)
    ]
    found = [(row.name_en, row.name_zh) for row in _rows("data_gov_hk", "licences", *records)]
    assert found == [(None, None), (None, None), (None, None), ("None", "無疆道")]


def test_placeholders_of_every_text_column_and_list_are_blanks() -> None:
    (place,) = _rows(
        "openrice",
        "restaurants",
        {
            "poiId": 1, "name": "None", "nameOtherLang": "待定", "addressOtherLang": "未有資料", "urlUI": "null",
            "district": {"districtId": 1, "name": "Unknown"}, "phones": ["-", "2345 6789", "N/A"],
            "categories": [{"categoryTypeId": 1, "name": "N/A"}, {"categoryTypeId": 1, "name": "Thai"}],
        },
    )  # fmt: skip
    assert (place.name_en, place.name_zh, place.address_zh, place.url, place.district) == (
        "None",
        None,
        None,
        None,
        None,
    )
    assert (place.phones, place.phone, place.cuisines) == (["2345 6789"], "2345 6789", ["Thai"])
    (vendor,) = _rows(
        "foodpanda", "restaurants", {"code": "a1", "name": "Lantern", "food_license_number": "NIL", "address": "n/a"}
    )
    assert (vendor.food_license_number, vendor.address_en) == (None, None)
    (location,) = _rows(
        "tripadvisor",
        "restaurants",
        {"id": 1, "addresses": [{"language": "en", "street_address": "N/A", "city": "Hong Kong"}],
         "names": [{"language": "en", "value": "-", "primary": True}, {"language": "en", "value": "Lantern"}]},
    )  # fmt: skip
    assert (location.name_en, location.address_en) == ("Lantern", "Hong Kong")


def test_what_people_write_is_kept() -> None:
    (post,) = _rows("bistrochat", "posts", {"post_id": "1", "text": "N/A", "hashtags": ["tbc", "none"]})
    assert (post.text, post.hashtags) == ("N/A", ["tbc", "none"])
    (review,) = _rows("openrice", "reviews", {"reviewId": 1, "title": "-", "body": "None"})
    assert (review.title, review.body) == ("-", "None")
