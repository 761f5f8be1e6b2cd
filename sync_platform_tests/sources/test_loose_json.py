"""Numbers and texts that a JSON decoder loses or refuses, as they are landed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import orjson
import pytest

from sync_platform.errors import ContractBroken
from sync_platform.platforms.foodpanda import Tag
from sync_platform.sources.endpoints import Endpoint
from sync_platform.sources.loose_json import TWO_VALUES
from sync_platform.sources.reply import Reply

BEYOND = [str(2**64), str(2**64 + 1), str(-(2**63) - 1), "9" * 40, "1" * 5_000]


def decoded(text: str) -> Any:
    return Reply("diner", "https://diner.test", 200, datetime.now(UTC), text.encode()).json()


@pytest.mark.parametrize("text", BEYOND, ids=lambda text: text[-20:])
def test_an_integer_beyond_64_bits_is_landed_as_its_exact_text(text: str) -> None:
    value = decoded(f'{{"items": [{{"id": {text}, "more": [{text}]}}, {{"id": 7}}]}}')
    assert value == {"items": [{"id": text, "more": [text]}, {"id": 7}]}
    assert orjson.loads(orjson.dumps(value)) == value


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 2**63, 10**18, 0, -7])
def test_an_integer_of_64_bits_stays_a_number(number: int) -> None:
    assert decoded(f'[{{"id": {number}}}]') == [{"id": number}]


@pytest.mark.parametrize("text", ["0.1234567890123456789012", "1234567890123456789012.5", "1e300"])
def test_a_fraction_stays_a_number(text: str) -> None:
    assert decoded(f'[{{"price": {text}}}]') == [{"price": float(text)}]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_what_is_no_number_becomes_an_object_that_no_contract_accepts(text: str) -> None:
    assert decoded(f'[{{"price": {text}}}, {{"price": -0}}]') == [
        {"price": {"not_a_number": text}},
        {"price": 0},
    ]


def test_half_a_surrogate_pair_and_a_byte_order_mark_lose_no_record() -> None:
    value = decoded('\ufeff[{"id": "a\\ud800", "\\udc00": "\\ud83d\\ude00"}, {"id": "b"}]')
    assert value == [{"id": "a\ufffd", "\ufffd": "😀"}, {"id": "b"}]


@pytest.mark.parametrize("colon", [":", ": ", " : "])
def test_of_two_values_of_one_name_none_is_chosen(colon: str) -> None:
    text = '{"items": [{"id": 1, "name": "A", "name": "B"}, {"id": 2, "name": "say \\": C", "id": 2}]}'
    value = decoded(text.replace('": ', f'"{colon}'))
    assert value["items"][0] == {"id": 1, "name": [["two values of one name"]]}
    assert value["items"][1]["id"] == 2
    assert value["items"][1]["name"].endswith(f'"{colon}C')


def test_a_list_that_an_answer_names_twice_is_no_list() -> None:
    reply = Reply("diner", "https://diner.test", 200, datetime.now(UTC), b'{"items": [{"id": 1}], "items": []}')
    with pytest.raises(ContractBroken):
        Endpoint("dishes", "/dishes", records="items").read(reply)


@pytest.mark.parametrize("kind", [str, int, float, bool, list[str], list[Tag], Tag, dict[str, str], date])
def test_two_values_of_one_name_fit_no_declared_type(kind: Any) -> None:
    reply = Reply("diner", "https://diner.test", 200, datetime.now(UTC), b"[]")
    with pytest.raises(ContractBroken):
        reply.shaped({"value": TWO_VALUES}, msgspec.defstruct("Record", [("value", kind)]))


@pytest.mark.parametrize(
    "body",
    [b'[{"id": "a\tb\x01"}]', '[{"id": "a\\tb\\u0001"}]'.encode("utf-16"), b'\n[{"id": "a\\tb\\u0001"}]\0\0\n'],
    ids=["control characters in a text", "UTF-16", "NULs after the end"],
)
def test_an_odd_way_to_write_json_loses_no_page(body: bytes) -> None:
    assert Reply("diner", "https://diner.test", 200, datetime.now(UTC), body).json() == [{"id": "a\tb\x01"}]
