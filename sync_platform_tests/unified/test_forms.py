"""Values that mean the same have one form: phone numbers, web addresses, names and branches."""

from __future__ import annotations

import pytest

from sync_platform.unified.phone_numbers import e164_numbers, phone_text
from sync_platform.unified.shop_names import ShopName, split_name
from sync_platform.unified.web_addresses import site, website


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("+852 2345 6789", ("+85223456789",)),
        ("(852) 2345-6789 ext 12", ("+85223456789",)),
        ("２３４５ ６７８９", ("+85223456789",)),
        ("2345 6780; 23456789 / 2345 6780", ("+85223456780", "+85223456789")),
        ("00852 9123 4567 或 +853 2888 8888", ("+85291234567", "+85328888888")),
        ("2345 6780 & 2345 6789", ("+85223456780", "+85223456789")),
        ("2345 6789 and 2345 6780", ("+85223456780", "+85223456789")),
        ("2345 6789 (WhatsApp)", ("+85223456789",)),
        ("28001234 轉 123", ("+85228001234",)),
        ("+852 (0)2345 6789", ("+85223456789",)),
        ("Tel 2345 6789 Fax 2345 6780", ("+85223456789",)),
        ("2345 6789 / 2345 6780 (Fax)", ("+85223456789",)),
        ("傳真：2345 6780", ()),
        ("12345", ()),
        ("18:00", ()),
        ("n/a", ()),
    ],
)
def test_telephone_numbers_are_in_international_form(text: str, numbers: tuple[str, ...]) -> None:
    assert e164_numbers(text) == numbers
    assert phone_text(text) == ("; ".join(numbers) or None)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("HTTPS://WWW.Example.COM/Menu/?utm_source=x&a=1&fbclid=2#top", "https://www.example.com/Menu?a=1"),
        ("http://example.hk:80/", "http://example.hk"),
        ("www.example.hk", "https://www.example.hk"),
        ("https://www.tripadvisor.com.hk/Restaurant_Review-x", None),
        ("https://www.foodpanda.hk/restaurant/x", None),
        ("https://openrice.com", None),
        ("https://notopenrice.com", "https://notopenrice.com"),
        ("https://tripadvisor.ca/Restaurant_Review-x", None),
        ("https://www.tripadvisor.de/Restaurant_Review-x", None),
        ("https://exam\u200bple.hk/\ufeff", "https://example.hk"),
        ("https://例子.香港/菜單", "https://例子.香港/菜單"),
        ("https://example.hk/\x00", None),
        ("www.a.hk；www.b.hk", None),
        ("https://-example.hk", None),
        ("mailto:a@example.hk", None),
        ("http://example.hk:x/", None),
        ("not a site", None),
    ],
)
def test_web_addresses_have_one_form_and_pages_on_platforms_are_none(text: str, address: str | None) -> None:
    assert website(text) == address


def test_a_telephone_number_is_read_through_any_white_space() -> None:
    """With a search from each blank, this takes an hour."""
    assert e164_numbers(f"2345{' ' * 300_000}6789") == ("+85223456789",)


def test_neither_the_scheme_nor_www_makes_another_site() -> None:
    assert site("http://Example.hk/") == site("https://www.example.hk") == "example.hk"


@pytest.mark.parametrize(
    ("text", "name", "branch"),
    [
        ("McDonald's @ North Point", "McDonald's", "North Point"),
        ("Pizza Hut (Percival Street)", "Pizza Hut", "Percival Street"),
        ("Pizza Hut [Extended Delivery]", "Pizza Hut", ""),
        ("Jumbo (Hong Kong) @ Wan Chai [Extended Delivery]", "Jumbo", "Wan Chai"),
        ("KFC (Percival Street) | Halal-friendly", "KFC", "Percival Street"),
        ("7-Eleven (Tung Tau (2) Estate) 0231", "7-Eleven", "Tung Tau (2) Estate"),
        ("Falcone (IFC) - Neo-Neapolitan Pizzeria", "Falcone - Neo-Neapolitan Pizzeria", "IFC"),
        ("Hotpot King - Tsim Sha Tsui Shop", "Hotpot King", "Tsim Sha Tsui Shop"),
        ("Flying Cock - Rotisserie & More", "Flying Cock - Rotisserie & More", ""),
        ("Eat@Ease", "Eat@Ease", ""),
        ("Tiffin Box (Nepali Food)", "Tiffin Box (Nepali Food)", ""),
        ("Forum (1977)", "Forum (1977)", ""),
        ("牛奶冰室 (鯉景灣)", "牛奶冰室", "鯉景灣"),
        ("生龍清湯腩（新蒲崗）店", "生龍清湯腩", "新蒲崗"),
        ("壽司郎鰂魚涌店", "壽司郎", "鰂魚涌店"),
        ("海底撈火鍋 - 利舞臺廣場店", "海底撈火鍋", "利舞臺廣場店"),
        ("添好運點心專門店", "添好運點心專門店", ""),
        ("麥兆記(祖傳)廣州雲吞麵", "麥兆記(祖傳)廣州雲吞麵", ""),
        ("(Hong Kong)", "(Hong Kong)", ""),
    ],
)  # fmt: skip
def test_a_name_is_without_the_branch_and_what_platforms_add(text: str, name: str, branch: str) -> None:
    assert split_name(text) == ShopName(name, branch)
