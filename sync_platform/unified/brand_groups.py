"""Brand groups: restaurants that are branches of one chain, and the evidence for it.

Restaurants are of one brand if their names without the branch are equal in both languages, or in the one that both
have, unless that name has several names in the other language. So are restaurants of which a platform states the same
chain. The same website is further evidence; it makes no group, because all restaurants of a hotel have its site.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

LEAST_WITH_NAMES = 3
"""Restaurants in a group whose only evidence is their name in one language; a common name has two by chance."""
LEAST_LETTERS = 3
"""Letters of a name that counts without the name in the other language: many families have a 文記."""
EVIDENCE = ("name_en", "name_zh", "website", "chain")


class NamedRestaurant(NamedTuple):
    """A restaurant: its names without the branch in compared form, the host of its site, and chains as
    `platform/name`. A name is None where it is not known or says nothing, such as "Restaurant"."""

    restaurant_id: str
    name_en: str | None
    name_zh: str | None
    website: str | None
    chains: tuple[str, ...]


BrandGroup = Mapping[str, list[str]]
"""The restaurants of a brand, by id, and for each the kinds of evidence that connect it with another one of them."""


def brand_groups(restaurants: Sequence[NamedRestaurant]) -> list[BrandGroup]:
    """The groups of at least two restaurants that are brands, in the order of their first restaurants."""
    clear = _clear_names(restaurants)
    keys = [tuple(_keys(each, clear)) for each in restaurants]
    groups: dict[tuple[str, ...], list[NamedRestaurant]] = defaultdict(list)
    for restaurant, root in zip(restaurants, _roots(keys), strict=True):
        if root is not None:
            groups[root].append(restaurant)
    groups_with_evidence = [_evidence(members) for members in groups.values() if len(members) > 1]
    return [group for group in groups_with_evidence if _is_brand(group)]


def _clear_names(restaurants: Iterable[NamedRestaurant]) -> set[tuple[str, str]]:
    """The names, with their column, that have at most one name in the other language."""
    others: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in restaurants:
        if each.name_en:
            others["name_en", each.name_en] |= {each.name_zh} if each.name_zh else set()
        if each.name_zh:
            others["name_zh", each.name_zh] |= {each.name_en} if each.name_en else set()
    return {name for name, translations in others.items() if len(translations) <= 1}


def _keys(restaurant: NamedRestaurant, clear: set[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """What the restaurant has in common with every restaurant of its brand."""
    english, chinese = restaurant.name_en, restaurant.name_zh
    if english and chinese:
        yield ("both", english, chinese)
    for column, name in (("name_en", english), ("name_zh", chinese)):
        if name and (column, name) in clear and len(name) >= LEAST_LETTERS:
            yield (column, name)
    for chain in restaurant.chains:
        yield ("chain", chain)


def _roots(keys_of_each: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...] | None]:
    """For each restaurant one key that all restaurants have which share keys, directly or through others."""
    parent: dict[tuple[str, ...], tuple[str, ...]] = {}

    def root(key: tuple[str, ...]) -> tuple[str, ...]:
        while parent.setdefault(key, key) != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for keys in keys_of_each:
        for key in keys[1:]:
            smaller, larger = sorted((root(keys[0]), root(key)))
            parent[larger] = smaller
    return [root(keys[0]) if keys else None for keys in keys_of_each]


def _evidence(members: Sequence[NamedRestaurant]) -> dict[str, list[str]]:
    """The group of these restaurants, with the values that each has in common with another one."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    values = {each.restaurant_id: set(_values(each)) for each in members}
    for own in values.values():
        for value in own:
            counts[value] += 1
    return {
        name: [kind for kind in EVIDENCE if any(each[0] == kind and counts[each] > 1 for each in own)]
        for name, own in values.items()
    }


def _values(restaurant: NamedRestaurant) -> Iterator[tuple[str, str]]:
    for kind in ("name_en", "name_zh", "website"):
        if value := getattr(restaurant, kind):
            yield kind, value
    yield from (("chain", chain) for chain in restaurant.chains)


def _is_brand(group: BrandGroup) -> bool:
    """True if names in both languages, a chain or a website connect restaurants, or many have one name."""
    kinds = {kind for kinds in group.values() for kind in kinds}
    has_both = any({"name_en", "name_zh"} <= set(each) for each in group.values())
    return has_both or bool(kinds & {"website", "chain"}) or len(group) >= LEAST_WITH_NAMES
