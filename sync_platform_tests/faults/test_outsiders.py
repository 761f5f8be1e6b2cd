"""Faults that the sandbox does not play, made by an altering transport: odd records, odd pages, odd lists."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from sync_platform_tests.extent import only_in_full, rotated_pairs

from .altering_transport import SHAPES, AlteringTransport, Shape, answer, at, in_every_body, put, with_record
from .harness import FaultHarness

Spoil = Callable[[Shape, dict[str, Any]], list[Any]]


def number(value: Any) -> Spoil:
    def spoil(shape: Shape, record: dict[str, Any]) -> list[Any]:
        altered = copy.deepcopy(record)
        put(altered, shape.number, value)
        return [altered]

    return spoil


def text(value: Any) -> Spoil:
    return lambda shape, record: [{**record, shape.text: value}]


def key(value: Any) -> Spoil:
    return lambda shape, record: [{**record, shape.key: value}]


def instead(value: Any) -> Spoil:
    return lambda shape, record: [value]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


REFUSED: dict[str, Spoil] = {
    "NaN": number(float("nan")),
    "infinity": number(float("inf")),
    "a coordinate of no place": number(1e30),
    "a coordinate outside Hong Kong": number(-33.9),
    "a whole number beyond 64 bits": number(10**30),
    "a count beyond 64 bits": lambda shape, record: [{**record, shape.count: 2**63}],
    "a yes for a number": number(True),
    "a list for a number": number([22.3]),
    "a fraction for a text": text(12.5),
    "a list for a text": text(["x"]),
    "a text for a record": instead("busy"),
    "null for a record": instead(None),
    "a number for a record": instead(7),
    "a list for a record": instead([1, 2]),
    "an empty record": instead({}),
    "a record 300 deep": lambda shape, record: [{**record, "deep": nested(300)}],
    "no id": key(None),
    "an empty id": key(""),
    "an object for an id": key({"id": 1}),
    "a fraction for an id": key(1.5),
    "a NUL in an id": key("ab\0c"),
    "half a surrogate pair in an id": key("ab\ud800"),
    "a yes for an id": key(True),
    "two values": lambda shape, record: [record, {**record, shape.text: "Another"}],
}
"""Each makes one record invalid. The other records are stored, and the dataset is not complete."""
ACCEPTED: dict[str, Spoil] = {
    "half a surrogate pair": text("Tea \ud83d house"),
    "a NUL": text("Tea\0house"),
    "a line separator": text("Tea\u2028house\r\n\tx"),
    "a name of a megabyte": text("茶" * 350_000),
    "an unknown field, 200 deep": lambda shape, record: [{**record, "deep": nested(200)}],
    "itself twice": lambda shape, record: [record, dict(record)],
}
"""Each is odd, but valid: the record is stored as it is, with no effect on others."""
PLATFORM_SPECIFIC = {"two values", *(name for name in REFUSED if name.endswith(("record", "id", "deep")))}
"""Oddities that each platform file handles itself. All others have shared handling, and are played on two platforms."""
IN_A_LAKE = {"no id", "a NUL in an id", "null for a record", "two values"}
"""Oddities whose result is committed to a lake; with `--full` that of all is."""


def odd_records() -> Iterator[Any]:
    """Every oddity on one platform that can have it, one platform after the other; with `--full` on several."""
    for index, oddity in enumerate((*REFUSED, *ACCEPTED)):
        able = [
            name
            for name, shape in SHAPES.items()
            if (name, oddity) != ("keeta", "two values") and (shape.count or oddity != "a count beyond 64 bits")
        ]
        for number, name in enumerate(able):
            if number == index % len(able):
                yield name, oddity
            elif oddity in PLATFORM_SPECIFIC or number == (index + 3) % len(able):
                yield only_in_full(name, oddity)


@pytest.mark.parametrize(("name", "oddity"), odd_records())
def test_an_odd_record_has_no_effect_on_other_records(
    name: str, oddity: str, harness_of: Callable[..., FaultHarness]
) -> None:
    harness, shape = harness_of(name), SHAPES[name]
    then = harness.then["restaurants"]
    victim = sorted(then.keys() & harness.prior["restaurants"].keys())[1]
    spoil = (REFUSED | ACCEPTED)[oddity]
    transport = AlteringTransport(shape.path, with_record(shape, victim, lambda record: spoil(shape, record)))
    excused = frozenset({victim}) if oddity in ACCEPTED else frozenset()
    verdict = harness.verdict(harness.extract(1, transport=transport), excused, in_a_lake=oddity in IN_A_LAKE)
    assert not verdict.violations, "\n".join(verdict.violations)
    restaurants = verdict.received[0]
    assert {**restaurants.rows, victim: then[victim]} == then
    assert restaurants.is_complete == (oddity in ACCEPTED)
    assert (victim in restaurants.rows) == (oddity in ACCEPTED)


@pytest.mark.parametrize("name", ["openrice", "tripadvisor", "eatigo", "keeta"])
def test_an_id_may_be_a_number_on_one_page_and_text_on_the_next(
    name: str, harness_of: Callable[..., FaultHarness]
) -> None:
    harness, shape = harness_of(name), SHAPES[name]
    answers = 0

    def alter(body: Any) -> None:
        nonlocal answers
        answers += 1
        listed = at(body, shape.records)
        for record in listed if isinstance(listed, list) else [listed]:
            record[shape.key] = str(record[shape.key]) if answers % 2 else record[shape.key]

    verdict = harness.verdict(harness.extract(1, transport=AlteringTransport(shape.path, in_every_body(alter))))
    assert answers > 1
    assert not verdict.violations, "\n".join(verdict.violations)
    assert verdict.is_complete
    assert {each.dataset: each.rows for each in verdict.received} == harness.then


def redirected(request: httpx.Request) -> httpx.Response:
    if "moved" in request.url.params:
        return httpx.Response(200, html="<html>Sign in</html>")
    return answer("", 302, location=str(request.url.copy_add_param("moved", "yes")))


PAGES: dict[str, Callable[[httpx.Request], httpx.Response]] = {
    "204": lambda request: httpx.Response(204),
    "nothing": lambda request: answer(""),
    "null": lambda request: answer("null"),
    "a list": lambda request: answer("[]"),
    "an empty object": lambda request: answer("{}"),
    "a text": lambda request: answer('"busy"'),
    "NaN alone": lambda request: answer("NaN"),
    "brackets without end": lambda request: answer("[" * 100_000),
    "broken gzip": lambda request: httpx.Response(
        200, stream=httpx.ByteStream(b"\x1f\x8b" + b"x" * 90), headers={"content-encoding": "gzip"}
    ),
    "noise": lambda request: answer(bytes(range(256))),
    "a redirect to HTML": redirected,
    "a redirect in a circle": lambda request: answer("", 302, location=str(request.url)),
    "a redirect to nowhere": lambda request: answer("", 302, location="ftp://example.test/x"),
    "410": lambda request: answer("{}", 410),
    "451": lambda request: answer("{}", 451),
    "503 with a code": lambda request: answer('{"code":"B503","message":"busy","result":null}', 503),
    "another platform's page": lambda request: answer('{"data":{"pois":[{"poiId":1}]},"code":0,"meta":[]}'),
    "the right keys, the wrong kinds": lambda request: answer(
        '{"data":7,"meta":7,"result":7,"code":"A100","venues":7,"searchResult":7,"next":7}'
    ),
}


READ_BY_THE_PLATFORM = {"null", "an empty object", "another platform's page", "the right keys, the wrong kinds"}


@pytest.mark.parametrize(
    ("oddity", "name"),
    [
        case if (index - at) % 7 in ((0, 3) if oddity in READ_BY_THE_PLATFORM else (0,)) else only_in_full(*case)
        for index, oddity in enumerate(PAGES)
        for at, name in enumerate(SHAPES)
        if oddity in READ_BY_THE_PLATFORM or index % 7 == at
        for case in [(oddity, name)]
    ],
)
def test_an_odd_page_has_no_effect_on_other_pages(
    oddity: str, name: str, harness_of: Callable[..., FaultHarness]
) -> None:
    harness, shape = harness_of(name), SHAPES[name]
    own = [request for request in harness.requests if shape.path in request]
    hit = own[len(own) // 2].rstrip("?")
    seen = 0

    def alter_response(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        nonlocal seen
        seen += 1
        is_hit = request.url.raw_path.decode().startswith(hit) if name != "keeta" else seen in range(4, 8)
        return PAGES[oddity](request) if is_hit else answer(response.content)

    verdict = harness.verdict(harness.extract(1, transport=AlteringTransport(shape.path, alter_response)))
    assert not verdict.violations, "\n".join(verdict.violations)
    assert not verdict.is_complete
    assert verdict.received[0].rows, "the good pages were lost"


HALF = "half of it, and the total halved"


REVIEW_COUNTS = {
    "openrice": ("/api/pois?", "reviewCount"),
    "foodpanda": ("/vendors?", "review_number"),
    "tripadvisor": ("/locations?", "traveler_ratings"),
}


@pytest.mark.parametrize(("name", "said"), rotated_pairs(list(REVIEW_COUNTS), ["many", None, 10**12]))
def test_reviews_are_kept_when_their_count_is_invalid(
    name: str, said: Any, harness_of: Callable[..., FaultHarness]
) -> None:
    harness, shape = harness_of(name), SHAPES[name]
    path, field = REVIEW_COUNTS[name]

    def uncounted(body: Any) -> None:
        for record in at(body, shape.records):
            record[field] = said

    transport = AlteringTransport(path, in_every_body(uncounted))
    verdict = harness.verdict(harness.extract(1, transport=transport), frozenset(harness.then["restaurants"]))
    assert not [violation for violation in verdict.violations if violation.startswith("reviews")]
    assert verdict.received[1].rows == harness.then["reviews"]


def lists(shape: Shape) -> dict[str, Callable[[int, Any], None]]:
    """The ways in which a whole list can be false. Each function alters the body of the n-th answer."""

    def total(body: Any, value: int) -> None:
        if shape.total:
            put(body, shape.total, value)

    def halved(number: int, body: Any) -> None:
        if shape.total:
            total(body, at(body, shape.total) // 2)

    def shrinking(number: int, body: Any) -> None:
        total(body, max(0, at(body, shape.total) - number))

    def claims_little(number: int, body: Any) -> None:
        if number == 1:
            total(body, 1)
        elif number == 2:
            at(body, shape.records).clear()

    def endless(number: int, body: Any) -> None:
        total(body, 10**12)
        put(body, shape.pages, 10**10)

    def circular(number: int, body: Any) -> None:
        put(body, shape.cursor, "bzA")

    return {
        HALF: halved,
        **(
            {"a total that shrinks from page to page": shrinking, "a total of one, and a page of none": claims_little}
            if shape.total
            else {}
        ),
        **({"pages without end": endless} if shape.pages else {}),
        **({"a cursor in a circle": circular} if shape.cursor else {}),
    }


LISTS = [
    (name, lie)
    for name, shape in SHAPES.items()
    if name not in ("keeta", "tripadvisor")
    for lie in lists(shape)
    if (name, lie)
    != ("foodpanda", HALF)  # its points overlap: few vendors are missing at all points, too few for the guard
]


@pytest.mark.parametrize(
    ("name", "lie"),
    [
        case if case[1] not in {lie for _, lie in LISTS[:number]} else only_in_full(*case)
        for number, case in enumerate(LISTS)
    ],
)
def test_a_false_list_retires_nothing(name: str, lie: str, harness_of: Callable[..., FaultHarness]) -> None:
    harness, shape = harness_of(name), SHAPES[name]
    answers = 0

    def alter(body: Any) -> None:
        nonlocal answers
        answers += 1
        lists(shape)[lie](answers, body)

    transport = AlteringTransport(shape.path, in_every_body(alter))
    with httpx.Client(base_url=harness.urls[1], verify=False) as sandbox:
        if lie == HALF:
            sandbox.post("/_faults", json={"platform": name, "fault": "half", "match": shape.path})
        extracted = harness.extract(1, transport=transport)
        sandbox.delete("/_faults")
    verdict = harness.verdict(extracted)
    assert not verdict.violations, "\n".join(verdict.violations)
    assert transport.asked < 400
