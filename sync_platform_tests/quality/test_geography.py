"""Coordinates against stated districts: landmarks of the real city, and the sandbox's restaurants."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan
from random import Random
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sync_platform.quality.geography import Geography, Outlier, is_inside, measure_geography, shapes_table
from sync_platform.sandbox.city import City
from sync_platform_tests.sandbox.conftest import TODAY, Client

COLUMNS = ("source_id", "district", "latitude", "longitude")
Row = tuple[str, str | None, float | None, float | None]
LANDMARKS = [
    # name, latitude, longitude, areas that contain it, areas that do not
    ("IFC", 22.2850, 114.1588, "Central, Central and Western, 18, Hong Kong Island", "Tsim Sha Tsui, Kowloon"),
    ("Times Square", 22.2783, 114.1822, "Causeway Bay, Wan Chai, 12", "Central, Tsim Sha Tsui, Eastern"),
    ("Victoria Park", 22.2822, 114.1885, "Causeway Bay, Tin Hau, Wan Chai", "Hung Hom, Central"),
    ("Peak Tower", 22.2713, 114.1500, "The Peak, 18", "Aberdeen, Wan Chai"),
    ("Cityplaza", 22.2866, 114.2178, "Tai Koo, Quarry Bay, 11", "Kwun Tong, Wan Chai"),
    ("Stanley Market", 22.2186, 114.2126, "Stanley, 15", "Aberdeen, Eastern, Lamma Island"),
    ("Jumbo's berth in Aberdeen", 22.2431, 114.1617, "Aberdeen, Wong Chuk Hang, Southern", "The Peak, Central"),
    ("Star Ferry pier", 22.2938, 114.1686, "Tsim Sha Tsui, Yau Tsim, 61, Kowloon", "Central, Wan Chai, Mong Kok"),
    ("Elements", 22.3048, 114.1615, "West Kowloon, Yau Tsim Mong, 61", "Sheung Wan, Mong Kok"),
    ("Langham Place", 22.3184, 114.1687, "Mong Kok, 62, Yau Tsim Mong", "Tsim Sha Tsui, Central, Kowloon City"),
    ("Festival Walk", 22.3373, 114.1747, "Kowloon Tong, 63, Sham Shui Po", "Mong Kok, Wong Tai Sin"),
    ("Wong Tai Sin Temple", 22.3425, 114.1936, "Wong Tai Sin, 53", "Sha Tin, Kwun Tong"),
    ("apm", 22.3122, 114.2254, "Kwun Tong, 51", "Tseung Kwan O, Quarry Bay"),
    ("Whampoa's stone ship", 22.3044, 114.1900, "Whampoa, Hung Hom, 52", "North Point, Tsim Sha Tsui"),
    ("New Town Plaza", 22.3815, 114.1885, "Sha Tin, 97, New Territories", "Tai Po, Wong Tai Sin, Kowloon"),
    ("Science Park", 22.4270, 114.2100, "Pak Shek Kok, Sha Tin, Tai Po", "Ma On Shan, Fanling"),
    ("Metroplaza", 22.3580, 114.1270, "Kwai Fong, Kwai Chung, 91", "Tsing Yi, Sham Shui Po"),
    ("Nina Tower", 22.3687, 114.1128, "Tsuen Wan, 92", "Tuen Mun, Sha Tin"),
    ("Tuen Mun Town Plaza", 22.3934, 113.9763, "Tuen Mun, 93", "Yuen Long, Tsuen Wan, Islands"),
    ("Yoho Mall", 22.4453, 114.0345, "Yuen Long, 94", "Tuen Mun, Sheung Shui"),
    ("Sheung Shui station", 22.5012, 114.1280, "Sheung Shui, 96, 北區", "Tai Po, Yuen Long"),
    ("Sai Kung pier", 22.3813, 114.2738, "Sai Kung, 98", "Ma On Shan, Tseung Kwan O"),
    ("PopCorn", 22.3076, 114.2600, "Tseung Kwan O, 98", "Kwun Tong, Chai Wan"),
    ("Citygate", 22.2893, 113.9410, "Tung Chung, Lantau, 17", "Discovery Bay, Tuen Mun"),
    ("Airport, terminal 1", 22.3158, 113.9365, "Airport, 赤臘角, 17", "Tuen Mun, Cheung Chau"),
    ("Disneyland", 22.3130, 114.0413, "Hong Kong Disneyland, 17, 92", "Tsing Yi, Tung Chung"),
    ("Cheung Chau pier", 22.2083, 114.0283, "Cheung Chau, 離島", "Lamma Island, Mui Wo, Southern"),
    ("Yung Shue Wan pier", 22.2257, 114.1090, "Lamma Island, Islands", "Cheung Chau, Ap Lei Chau, Southern"),
]  # fmt: skip


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as session:
        yield session


def measure(session: duckdb.DuckDBPyConnection, rows: list[Row]) -> Geography:
    types = (pa.string(), pa.string(), pa.float64(), pa.float64())
    columns = zip(*rows, strict=True)
    table = pa.table({name: pa.array(values, kind) for name, values, kind in zip(COLUMNS, columns, types, strict=True)})
    session.register("listed", table)
    return measure_geography(session, "listed")


@pytest.mark.parametrize(("latitude", "longitude", "within", "without"), [mark[1:] for mark in LANDMARKS])
def test_a_landmark_lies_in_its_districts_and_in_no_other(
    latitude: float, longitude: float, within: str, without: str
) -> None:
    assert [place for place in within.split(", ") if is_inside(place, latitude, longitude) is not True] == []
    assert [place for place in without.split(", ") if is_inside(place, latitude, longitude) is not False] == []


@pytest.mark.parametrize(("latitude", "longitude", "within"), [mark[1:4] for mark in LANDMARKS])
def test_swapped_latitude_and_longitude_is_outside(latitude: float, longitude: float, within: str) -> None:
    assert [is_inside(place, longitude, latitude) for place in within.split(", ")] == [False] * len(within.split(", "))


@pytest.mark.parametrize(("metres", "inside"), [(-50, True), (250, True), (350, False)])
def test_a_shape_is_widened_by_300_metres(metres: int, inside: bool) -> None:
    assert is_inside("Central", 22.290 + metres / 110_700, 114.157) is inside  # 22.290 is the file's northern edge
    assert is_inside("Central", 22.283, 114.164 + metres / 102_960) is inside  # 114.164 its eastern


@pytest.mark.parametrize(
    ("stated", "latitude", "longitude"),
    [(None, 22.28, 114.16), ("Central", None, 114.16), ("Central", 22.28, nan), ("Narnia", 22.28, 114.16)],
)
def test_an_unknown_district_or_coordinate_is_not_measured(
    session: duckdb.DuckDBPyConnection, stated: str | None, latitude: float | None, longitude: float | None
) -> None:
    assert is_inside(stated, latitude, longitude) is None
    geography = measure(session, [("a", stated, latitude, longitude)])
    assert (geography.rows, geography.measured, geography.inside, geography.share, geography.worst) == (
        1,
        0,
        0,
        None,
        [],
    )
    assert geography.unknown == ({"Narnia": 1} if stated == "Narnia" else {})


def test_a_table_is_measured_like_its_single_rows(session: duckdb.DuckDBPyConnection) -> None:
    chance = Random(7)
    districts = ["Central", "Islands", "sai kung", "九龍", "Mong Kok District", "Narnia", "Hong Kong", "", None]
    rows: list[Row] = [
        (str(number), chance.choice(districts), chance.uniform(22.15, 22.57), chance.uniform(113.83, 114.45))
        for number in range(2000)
    ]
    verdicts = [is_inside(*row[1:]) for row in rows]
    geography = measure(session, rows)
    assert (geography.rows, geography.measured, geography.inside) == (
        2000,
        2000 - verdicts.count(None),
        verdicts.count(True),
    )
    assert 50 < geography.inside < geography.measured - 50
    assert set(geography.unknown) == {"Narnia", "Hong Kong", ""}


def test_the_worst_are_the_farthest_outside(session: duckdb.DuckDBPyConnection) -> None:
    rows: list[Row] = [
        ("true", "Central", 22.2822, 114.1579),
        ("across the harbour", "Central", 22.2980, 114.1720),
        ("unknown", "Narnia", 22.2980, 114.1720),
        ("swapped", "Central", 114.1579, 22.2822),
        ("in Sha Tin", "Central", 22.3815, 114.1885),
    ]
    geography = measure(session, rows)
    assert [outlier.source_id for outlier in geography.worst] == ["swapped", "in Sha Tin", "across the harbour"]
    assert geography.worst[2][:4] == rows[1]
    assert 500 < geography.worst[2].metres < 1000  # the harbour is some 1,000 m wide there, the margin 300
    assert geography.worst[1].metres == pytest.approx(10_000, abs=500)
    assert isinstance(geography.worst[0], Outlier)
    assert measure_geography(session, "listed", worst=1).worst == geography.worst[:1]
    assert (geography.measured, geography.inside, geography.share) == (4, 1, 0.25)


def test_a_relation_may_be_a_query_and_no_view_is_left_in_the_session(session: duckdb.DuckDBPyConnection) -> None:
    query = "(SELECT 'a' AS source_id, 'Central' AS district, 22.2822 AS latitude, 114.1579 AS longitude)"
    assert measure_geography(session, query).inside == 1
    assert session.execute("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchone() == (0,)


def test_the_shapes_are_available_to_other_queries() -> None:
    shapes = shapes_table()
    assert shapes.column_names == ["place", "south", "north", "west", "east"]
    assert shapes.num_rows > len(set(shapes["place"].to_pylist())) > 100


def pages(client: Client, first: str, following: Any) -> Iterator[Any]:
    """The answers to consecutive requests; `following` computes from an answer the parameters of the next request."""
    answer = client.json(first)
    yield answer
    while more := following(answer):
        answer = client.json(f"{first}&{more}")
        yield answer


@pytest.fixture(scope="module")
def listed() -> list[Row]:
    """Every restaurant that four of the sandbox's platforms list with district and coordinate."""
    client = Client(City(1200, 852, TODAY))
    rows: list[Row] = []
    for answer in pages(
        client,
        "/eatigo/v1/branches?region=hong-kong&per_page=100",
        lambda answer: answer["meta"]["page"] < answer["meta"]["total_pages"] and f"page={answer['meta']['page'] + 1}",
    ):
        rows += [(f"e{one['branch_id']}", one["district"], one["latitude"], one["longitude"]) for one in answer["data"]]
    for answer in pages(
        client,
        "/chope/v1/restaurants?country_code=HK&limit=100",
        lambda answer: answer["result"]["next_cursor"] and f"cursor={answer['result']['next_cursor']}",
    ):
        rows += [(f"c{one['rid']}", one["district"], one["lat"], one["lng"]) for one in answer["result"]["items"]]
    for answer in pages(
        client,
        "/bistrochat/v1/venues?city=hong-kong&limit=50",
        lambda answer: answer["next"] and f"cursor={answer['next']}",
    ):
        rows += [(f"b{one['slug']}", one["district"], one["latitude"], one["longitude"]) for one in answer["venues"]]
    for answer in pages(
        client,
        "/tripadvisor/locations/search?geo_name=Hong Kong&category=RESTAURANT&size=20&locale=en",
        lambda answer: (
            answer["pagination"]["page"] < answer["pagination"]["total_pages"]
            and f"page={answer['pagination']['page'] + 1}"
        ),
    ):
        for one in answer["data"]:
            address, spot = one["addresses"][0], one.get("coordinates", {})
            stated = address.get("street_address2")
            rows.append((f"t{one['id']}", stated, spot.get("latitude"), spot.get("longitude")))
    return rows


def test_the_sandboxs_restaurants_lie_in_their_stated_districts(
    session: duckdb.DuckDBPyConnection, listed: list[Row]
) -> None:
    geography = measure(session, listed)
    assert geography.unknown == {}
    assert geography.measured > 1000
    assert geography.share is not None and geography.share >= 0.99


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_the_share_falls_by_the_share_of_records_moved_to_other_districts(
    session: duckdb.DuckDBPyConnection, listed: list[Row], percent: int
) -> None:
    chance = Random(percent)
    before = measure(session, listed)
    sound = [row for row in listed if is_inside(*row[1:])]
    moved = {row[0] for row in chance.sample(sound, before.measured * percent // 100)}
    elsewhere = [(latitude, longitude) for _, _, latitude, longitude in sound]

    def move(row: Row) -> Row:
        away = [spot for spot in chance.sample(elsewhere, 60) if _is_far(spot, row)]
        return (*row[:2], *away[0])

    after = measure(session, [move(row) if row[0] in moved else row for row in listed])
    assert before.share is not None and after.share is not None
    assert after.measured == before.measured
    assert 100 * (before.share - after.share) == pytest.approx(percent, abs=1)


def _is_far(spot: tuple[float | None, float | None], row: Row) -> bool:
    """True if it is more than about 5 km away, so certainly in another district."""
    assert spot[0] and spot[1] and row[2] and row[3]
    return abs(spot[0] - row[2]) + abs(spot[1] - row[3]) > 0.07
