"""The parts of a TripAdvisor location that come as lists by language or by kind, and the columns made of them."""

from __future__ import annotations

import msgspec

from sync_platform.sources.values import filled

TRADITIONAL = ("zh_HK", "zh_TW", "zh_Hant", "zh_MO")
STATUSES = {"OPEN": "open", "CLOSED": "closed", "TEMPORARILY_CLOSED": "temporarily_closed"}


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
        lines = map(filled, (self.street_address, self.street_address2, self.city))
        return filled(self.formatted) or filled(", ".join(line for line in lines if line))


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


def name_en(names: list[Name] | None) -> str | None:
    return next((filled(name.value) for name in names or () if _is_english(name.language)), None)


def name_zh(names: list[Name] | None) -> str | None:
    return next((filled(name.value) for name in names or () if _is_traditional(name.language)), None)


def address_en(addresses: list[Address] | None) -> str | None:
    return next((address.text for address in addresses or () if _is_english(address.language)), None)


def address_zh(addresses: list[Address] | None) -> str | None:
    return next((address.text for address in addresses or () if _is_traditional(address.language)), None)


def district(addresses: list[Address] | None) -> str | None:
    return next((filled(address.street_address2) for address in addresses or () if _is_english(address.language)), None)


def first_phone(numbers: list[PhoneNumber] | None) -> str | None:
    return next((value for number in numbers or () if (value := filled(number.value))), None)


def status(code: str | None) -> str | None:
    known = filled(code)
    return None if known is None else STATUSES.get(known, f"unknown:{known}")


def opening_hours(periods: list[OpeningPeriod] | None) -> list[str]:
    return [f"{period.day_of_week} {period.opens}-{period.closes}" for period in periods or []]
