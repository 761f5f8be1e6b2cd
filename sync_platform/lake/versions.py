"""What differs between two versions of a row, as SQL over the relations `i`, the new one, and `c`, the stored one."""

from __future__ import annotations

from collections.abc import Iterable


def differs(name: str) -> str:
    """Whether a column differs."""
    return f'i."{name}" IS DISTINCT FROM c."{name}"'


def any_differs(names: Iterable[str]) -> str:
    """Whether any of some columns differs."""
    return " OR ".join(differs(name) for name in names) or "false"


def changed_names(names: Iterable[str]) -> str:
    """The list of those columns that differ."""
    return _filled(f"""CASE WHEN {differs(name)} THEN '{name}' END""" for name in names)


def changed_values(side: str, names: Iterable[str]) -> str:
    """A JSON object of the values that differing columns have on one side, `i` or `c`."""
    entries = (f"CASE WHEN {differs(name)} THEN {{k: '{name}', v: {_json(side, name)}}} END" for name in names)
    return f"to_json(map_from_entries({_filled(entries)}))"


def whole_version(names: Iterable[str]) -> str:
    """A JSON object of the new version of all these columns."""
    return "to_json(struct_pack({}))".format(", ".join(f'"{name}" := i."{name}"' for name in names))


def _filled(items: Iterable[str]) -> str:
    return f"list_filter([{', '.join(items)}], x -> x IS NOT NULL)"


def _json(side: str, name: str) -> str:
    return f"""coalesce(to_json({side}."{name}"), 'null'::JSON)"""
