"""The vocabularies of the platform. A new one needs a file beside this module, and its declaration here."""

from __future__ import annotations

from sync_platform.sources.columns import Column
from sync_platform.vocabularies.vocabulary import Edition, Vocabulary, shipped_edition

DISTRICTS = Vocabulary(
    "districts",
    "Hong Kong's three areas, the 18 districts of the District Councils, and neighbourhoods",
    ("code",),
    (
        Column("code", "VARCHAR", "Code of the place"),
        Column("kind", "VARCHAR", "area | district | neighbourhood"),
        Column("name_en", "VARCHAR", "English name"),
        Column("name_zh", "VARCHAR", "Traditional Chinese name"),
        Column(
            "within",
            "VARCHAR[]",
            "Codes of what it lies in: a district's area; a neighbourhood's districts, the main one first",
        ),
        Column("aliases", "VARCHAR[]", "Other names that mean the same"),
        Column("register_code", "VARCHAR", "Its code in the licence register; empty where it is no district there"),
        Column("latitude", "DOUBLE", "Latitude of its centre (degrees, WGS84)"),
        Column("longitude", "DOUBLE", "Longitude of its centre (degrees, WGS84)"),
        Column(
            "boxes",
            "VARCHAR[]",
            'Boxes that contain it, each "south north west east" in degrees, or "=code": the boxes of another place',
        ),
    ),
)
CUISINES = Vocabulary(
    "cuisines",
    "The cuisines and kinds of food that restaurants are sorted by",
    ("code",),
    (
        Column("code", "VARCHAR", "Code of the cuisine"),
        Column("name_en", "VARCHAR", "English name"),
        Column("name_zh", "VARCHAR", "Traditional Chinese name"),
        Column("within", "VARCHAR[]", "Codes of all broader cuisines that it belongs to, the narrowest first"),
    ),
)
CUISINE_WORDS = Vocabulary(
    "cuisine_words",
    "The words that platforms use for cuisines, beside the names in reference.cuisines, and what they mean",
    ("word",),
    (
        Column("word", "VARCHAR", "Word of a platform; case, punctuation and Simplified characters make no difference"),
        Column("cuisines", "VARCHAR[]", "Codes of the cuisines that it means; none where it names no cuisine"),
    ),
)
VOCABULARIES = (DISTRICTS, CUISINES, CUISINE_WORDS)


def shipped_editions() -> tuple[Edition, ...]:
    """The editions that are shipped with the program, one of each vocabulary."""
    return tuple(shipped_edition(vocabulary) for vocabulary in VOCABULARIES)
