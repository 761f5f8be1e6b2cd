"""Names of districts as platforms write them, and the shapes of these districts."""

from __future__ import annotations

import pytest

from sync_platform.quality.areas import AreaKind, all_areas, find_area

COUNCIL_DISTRICTS = {
    "Central and Western": "中西區", "Wan Chai": "灣仔區", "Eastern": "東區", "Southern": "南區",
    "Yau Tsim Mong": "油尖旺區", "Sham Shui Po": "深水埗區", "Kowloon City": "九龍城區", "Wong Tai Sin": "黃大仙區",
    "Kwun Tong": "觀塘區", "Kwai Tsing": "葵青區", "Tsuen Wan": "荃灣區", "Tuen Mun": "屯門區", "Yuen Long": "元朗區",
    "North": "北區", "Tai Po": "大埔區", "Sha Tin": "沙田區", "Sai Kung": "西貢區", "Islands": "離島區",
}  # fmt: skip
REGISTER = [
    ("11", "Eastern", "東區"), ("12", "Wan Chai", "灣仔"), ("15", "Southern", "南區"), ("17", "Islands", "離島"),
    ("18", "Central/Western", "中西區"), ("51", "Kwun Tong", "觀塘"), ("52", "Kowloon City", "九龍城"),
    ("53", "Wong Tai Sin", "黃大仙"), ("61", "Yau Tsim", "油尖"), ("62", "Mong Kok", "旺角"),
    ("63", "Sham Shui Po", "深水埗"), ("91", "Kwai Tsing", "葵青"), ("92", "Tsuen Wan", "荃灣"),
    ("93", "Tuen Mun", "屯門"), ("94", "Yuen Long", "元朗"), ("95", "Tai Po", "大埔"), ("96", "North", "北區"),
    ("97", "Sha Tin", "沙田"), ("98", "Sai Kung", "西貢"),
]  # fmt: skip
NEIGHBOURHOODS = """
Central 中環, Sheung Wan 上環, Western District 西環, Mid-Levels 半山, The Peak 山頂, Pok Fu Lam 薄扶林,
Admiralty 金鐘, Wan Chai 灣仔, Causeway Bay 銅鑼灣, Happy Valley 跑馬地, Tai Hang 大坑, Tin Hau 天后,
North Point 北角, Quarry Bay 鰂魚涌, Tai Koo 太古, Sai Wan Ho 西灣河, Shau Kei Wan 筲箕灣, Heng Fa Chuen 杏花邨,
Chai Wan 柴灣, Shek O 石澳, Stanley 赤柱, Repulse Bay 淺水灣, Deep Water Bay 深水灣, Aberdeen 香港仔,
Ap Lei Chau 鴨脷洲, Wong Chuk Hang 黃竹坑, Tsim Sha Tsui 尖沙咀, Jordan 佐敦, Yau Ma Tei 油麻地, Mong Kok 旺角,
Prince Edward 太子, Tai Kok Tsui 大角咀, Sham Shui Po 深水埗, Mei Foo 美孚, Cheung Sha Wan 長沙灣, Lai Chi Kok 荔枝角,
Shek Kip Mei 石硤尾, Kowloon Tong 九龍塘, Kowloon City 九龍城, Lok Fu 樂富, Ho Man Tin 何文田, Hung Hom 紅磡,
To Kwa Wan 土瓜灣, Kai Tak 啟德, Wong Tai Sin 黃大仙, Diamond Hill 鑽石山, Tsz Wan Shan 慈雲山, San Po Kong 新蒲崗,
Choi Hung 彩虹, Kowloon Bay 九龍灣, Ngau Tau Kok 牛頭角, Kwun Tong 觀塘, Lam Tin 藍田, Yau Tong 油塘,
Lei Yue Mun 鯉魚門, Tsuen Wan 荃灣, Kwai Chung 葵涌, Kwai Fong 葵芳, Tai Wo Hau 大窩口, Tsing Yi 青衣,
Sham Tseng 深井, Ma Wan 馬灣, Tuen Mun 屯門, Yuen Long 元朗, Tin Shui Wai 天水圍, Lau Fau Shan 流浮山,
Sheung Shui 上水, Fanling 粉嶺, Tai Po 大埔, Tai Wo 太和, Sha Tin 沙田, Tai Wai 大圍, Fo Tan 火炭, Ma On Shan 馬鞍山,
Sai Kung 西貢, Tseung Kwan O 將軍澳, Hang Hau 坑口, Po Lam 寶琳, Tung Chung 東涌, Chek Lap Kok 赤鱲角,
Discovery Bay 愉景灣, Lantau Island 大嶼山, Mui Wo 梅窩, Tai O 大澳, Cheung Chau 長洲, Peng Chau 坪洲,
Lamma Island 南丫島, Po Toi Island 蒲台島
"""


@pytest.mark.parametrize(("english", "chinese"), COUNCIL_DISTRICTS.items())
def test_every_district_of_the_councils_is_known_in_both_languages(english: str, chinese: str) -> None:
    area = find_area(english)
    assert area and area.english == english and area.kind is AreaKind.DISTRICT
    assert find_area(chinese) is find_area(f"{english} District") is area


@pytest.mark.parametrize(("code", "english", "chinese"), REGISTER)
def test_every_district_of_the_register_is_known_by_code_and_name(code: str, english: str, chinese: str) -> None:
    area = find_area(code)
    assert area and area.fehd == code
    assert find_area(english) is find_area(chinese) is area


@pytest.mark.parametrize("neighbourhood", [name.strip() for name in NEIGHBOURHOODS.split(",")])
def test_every_usual_neighbourhood_is_known_in_both_languages(neighbourhood: str) -> None:
    english, chinese = neighbourhood.rsplit(" ", 1)
    assert find_area(english)
    assert find_area(english) is find_area(chinese) is find_area(neighbourhood)


@pytest.mark.parametrize(
    ("stated", "area"),
    [
        ("TSIM SHA TSUI", "Tsim Sha Tsui"),
        ("Tsim Sha Tsui (TST)", "Tsim Sha Tsui"),
        ("尖沙嘴", "Tsim Sha Tsui"),
        ("九龍尖沙咀", "Tsim Sha Tsui"),
        ("Mong Kok District, Kowloon", "Mong Kok"),
        ("Mongkok", "Mong Kok"),
        ("Ｓａｉ　Ｋｕｎｇ，　Ｎ．Ｔ．", "Sai Kung"),
        ("Mid-Levels, Hong Kong Island", "Mid-Levels"),
        ("midlevels", "Mid-Levels"),
        ("Central & Western", "Central and Western"),
        ("中環 / Central", "Central"),
        ("Causeway Bay, Wan Chai", "Causeway Bay"),
        ("Shop 5, 2/F, 30 Canton Road, Tsim Sha Tsui, Kowloon, Hong Kong", "Tsim Sha Tsui"),
        ("11 Pottinger Street, Central", "Central"),
        ("Jardine’s Lookout", "Jardine's Lookout"),
        ("Hong Kong Gold Coast", "Gold Coast"),
        ("Kowloon", "Kowloon"),
        ("新界", "New Territories"),
    ],
)
def test_spelling_and_additions_make_no_difference(stated: str, area: str) -> None:
    found = find_area(stated)
    assert found and found.english == area


@pytest.mark.parametrize(
    "stated",
    [
        "", "  ", "Hong Kong", "District", "區", "Macau", "10", "Jordan / Tsim Sha Tsui", "Sha Tin, Tuen Mun",
        "Central, Kowloon City", "Tsui Ping (North) Estate", "Stanley Street",
    ],
)  # fmt: skip
def test_a_text_that_names_no_area_or_several_is_unknown(stated: str) -> None:
    assert find_area(stated) is None


def test_no_name_belongs_to_two_areas() -> None:
    areas = all_areas().values()
    for area in areas:
        for name in (area.english, area.chinese, *area.aliases):
            assert find_area(name) is area


def test_every_shape_is_in_hong_kong_and_not_empty() -> None:
    for area in all_areas().values():
        for south, north, west, east in area.boxes:
            assert 22.0 < south < north < 22.6
            assert 113.8 < west < east < 114.5


def test_every_neighbourhood_lies_in_a_district() -> None:
    areas = all_areas().values()
    districts = [area for area in areas if area.kind is AreaKind.DISTRICT]
    lost = [area.english for area in areas if not any(area.lies_within(district) for district in districts)]
    assert lost == ["Hong Kong Island", "Kowloon", "New Territories"]
