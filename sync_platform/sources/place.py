"""The columns that several platforms have, declared once: those of a place, and the time of the last change.

A platform file uses those that the platform sends (`name_en: Annotated[Place.NameEn, sent_as("name")] = None`), in the
order of its own table, and declares a column itself where the meaning differs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sync_platform.sources.columns import column, sent_as
from sync_platform.sources.rules import LATITUDE, LONGITUDE, PHONE, Within
from sync_platform.sources.values import coordinate


class Place:
    """The columns of a place."""

    NameEn = Annotated[str | None, column("English name", matters=True)]
    NameZh = Annotated[str | None, column("Traditional Chinese name")]
    AddressEn = Annotated[str | None, column("English address", matters=True)]
    AddressZh = Annotated[str | None, column("Traditional Chinese address", matters=True)]
    District = Annotated[str | None, column("District or neighbourhood as the platform names it", matters=True)]
    Latitude = Annotated[
        float | None,
        column("Latitude", unit="degrees, WGS84", matters=True, rules=LATITUDE),
        sent_as(convert=coordinate),
    ]
    Longitude = Annotated[
        float | None,
        column("Longitude", unit="degrees, WGS84", matters=True, rules=LONGITUDE),
        sent_as(convert=coordinate),
    ]
    Phone = Annotated[str | None, column("Telephone as given", matters=True, rules=PHONE)]
    Cuisines = Annotated[list[str], column("Cuisines, in the platform's words", matters=True, is_set=True)]
    PriceLevel = Annotated[
        int | None, column("Price level", unit="1 cheap to 4 dear", matters=True, rules=(Within(1, 4, hard=False),))
    ]
    Rating = Annotated[float | None, column("Mean rating", unit="0 to 5", rules=(Within(0, 5),))]


UpdatedAt = Annotated[datetime | None, column("When the platform last changed the record", unit="UTC")]
