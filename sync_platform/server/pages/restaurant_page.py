"""The page of one restaurant: its golden record, the source of each field, where it is, and what changed."""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.lineage.restaurant_report import RelatedCount
from sync_platform.lineage.restaurant_story import RestaurantStory
from sync_platform.server.pages.page_templates import templates
from sync_platform.unified.open_moments import intervals_in

NAMES = {
    "name_en": "English name",
    "name_zh": "Chinese name",
    "address_en": "English address",
    "address_zh": "Chinese address",
    "branch_en": "English branch",
    "branch_zh": "Chinese branch",
    "price_level": "Price level",
    "opening_hours": "Opening hours",
    "licence_state": "Licence",
    "licence_number": "Licence number",
    "licence_expires_on": "Licence expires on",
    "review_count": "Reviews",
}
"""The headings of fields whose names do not read well."""


def restaurant_page(story: RestaurantStory, related: Sequence[RelatedCount] = (), *, nonce: str, user: str = "") -> str:
    """The page as HTML; `nonce` and `user` as for the health page. `related`: its reviews, offers and so on."""
    values = story.values
    name = values.get("name_en") or values.get("name_zh") or story.restaurant_id
    branch = values.get("branch_en" if values.get("name_en") else "branch_zh")
    template = templates().get_template("restaurant.html")
    return template.render(
        story=story,
        values=values,
        related=related,
        hours=intervals_in(values.get("opening_hours_osm")),
        heading=heading,
        nonce=nonce,
        user=user,
        refresh_s=0,
        title=f"{name} ({branch})" if branch else name,
    )


def heading(field: str) -> str:
    """The name of a field as people read it."""
    return NAMES.get(field, field.replace("_", " ").capitalize())
