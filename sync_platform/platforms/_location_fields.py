"""The parts of a TripAdvisor location that come as lists by language or by kind, and the columns made of them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sync_platform.placeholders import without_placeholder
from sync_platform.sources.values import filled

TRADITIONAL = ("zh_HK", "zh_TW", "zh_Hant", "zh_MO")
UNKNOWN = "unknown"
STATUSES = {"OPEN": "open", "CLOSED": "closed", "TEMPORARILY_CLOSED": "temporarily_closed"}


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


class OpeningPeriod(msgspec.Struct):
    day_of_week: str | None = None
    opens: str | None = None
    closes: str | None = None


def _is_english(language: str | None) -> bool:
    return (language or "").startswith("en")


def _is_traditional(language: str | None) -> bool:
    """True for Traditional Chinese; Simplified Chinese is another script."""
    return (language or "").replace("-", "_") in TRADITIONAL


def _first(texts: Iterable[tuple[bool, str | None]]) -> str | None:
    """The smallest preferred text, or the smallest of the others (True); the platform's lists have no order."""
    return min(((is_second, text) for is_second, sent in texts if (text := _given(sent))), default=(False, None))[1]


def name_en(names: list[Name] | None) -> str | None:
    return _first((not name.primary, name.value) for name in names or () if _is_english(name.language))


def name_zh(names: list[Name] | None) -> str | None:
    return _first((not name.primary, name.value) for name in names or () if _is_traditional(name.language))


def address_en(addresses: list[Address] | None) -> str | None:
    return _first((False, address.text) for address in addresses or () if _is_english(address.language))


def address_zh(addresses: list[Address] | None) -> str | None:
    return _first((False, address.text) for address in addresses or () if _is_traditional(address.language))


def district(addresses: list[Address] | None) -> str | None:
    return _first((False, address.street_address2) for address in addresses or () if _is_english(address.language))


def first_phone(numbers: list[PhoneNumber] | None) -> str | None:
    return _first((number.type == "fax", number.value) for number in numbers or ())


def status(code: str | None) -> str | None:
    known = filled(code)
    return None if known is None else STATUSES.get(known, f"unknown:{known}")


def opening_hours(periods: list[OpeningPeriod] | None) -> list[str]:
    """One line per period; a day or times that are not given are `unknown`."""
    return [f"{filled(period.day_of_week) or UNKNOWN} {_times(period)}" for period in periods or []]


def _times(period: OpeningPeriod) -> str:
    return f"{period.opens}-{period.closes}" if filled(period.opens) and filled(period.closes) else UNKNOWN
