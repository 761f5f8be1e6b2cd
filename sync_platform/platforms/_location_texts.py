"""The texts of a TripAdvisor location: lists of names, addresses and numbers, of which one each is used.

The lists have no order, so the text that is used does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sync_platform.sources.placeholders import without_placeholder
from sync_platform.sources.values import filled

TRADITIONAL = ("zh_HK", "zh_TW", "zh_Hant", "zh_MO")


def _given(text: str | None) -> str | None:
    """The text, or None for a blank or a placeholder; another text of the list is used then."""
    return without_placeholder(filled(text), may_be_name=True)


class Name(msgspec.Struct):
    language: str | None = None
    value: str | None = None
    primary: bool | None = None


class Address(msgspec.Struct):
    street_address: str | None = None
    street_address2: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country_code: str | None = None
    formatted: str | None = None
    language: str | None = None

    @property
    def text(self) -> str | None:
        lines = map(_given, (self.street_address, self.street_address2, self.city))
        return _given(self.formatted) or filled(", ".join(line for line in lines if line))


class PhoneNumber(msgspec.Struct):
    type: str | None = None
    value: str | None = None


def _is_english(language: str | None) -> bool:
    return (language or "").startswith("en")


def _is_traditional(language: str | None) -> bool:
    """True for Traditional Chinese; Simplified Chinese is another script."""
    return (language or "").replace("-", "_") in TRADITIONAL


def _first(texts: Iterable[tuple[bool, str | None]]) -> str | None:
    """The first text in order of two things: whether it comes second, and the text itself."""
    return min(((is_second, text) for is_second, found in texts if (text := _given(found))), default=(False, None))[1]


def english_name(names: list[Name] | None) -> str | None:
    """The English name; a primary one first."""
    return _first((not name.primary, name.value) for name in names or () if _is_english(name.language))


def chinese_name(names: list[Name] | None) -> str | None:
    """The Traditional Chinese name; a primary one first."""
    return _first((not name.primary, name.value) for name in names or () if _is_traditional(name.language))


def english_address(addresses: list[Address] | None) -> str | None:
    """The English address."""
    return _first((False, address.text) for address in addresses or () if _is_english(address.language))


def chinese_address(addresses: list[Address] | None) -> str | None:
    """The Traditional Chinese address."""
    return _first((False, address.text) for address in addresses or () if _is_traditional(address.language))


def neighbourhood(addresses: list[Address] | None) -> str | None:
    """The second line of the English address."""
    return _first((False, address.street_address2) for address in addresses or () if _is_english(address.language))


def telephone(numbers: list[PhoneNumber] | None) -> str | None:
    """The telephone number; a fax number if it is the only one."""
    return _first((number.type == "fax", number.value) for number in numbers or ())
