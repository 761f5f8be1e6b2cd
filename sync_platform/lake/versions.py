"""SQL that compares two versions of a row: `i` is the new one, `c` the stored one."""

from __future__ import annotations

from collections.abc import Iterable


def differs(name: str) -> str:
    """True if a column differs."""
    return f'i."{name}" IS DISTINCT FROM c."{name}"'


def any_differs(names: Iterable[str]) -> str:
    """True if any of the columns differs."""
    return " OR ".join(differs(name) for name in names) or "false"


def changed_names(names: Iterable[str]) -> str:
    """The names of the columns that differ."""
    return _filled(f"""CASE WHEN {differs(name)} THEN '{name}' END""" for name in names)


def changed_values(side: str, names: Iterable[str]) -> str:
    """A JSON object of the differing columns, with their values on one side, `i` or `c`."""
    entries = (f"CASE WHEN {differs(name)} THEN {{k: '{name}', v: {_json(side, name)}}} END" for name in names)
    return f"to_json(map_from_entries({_filled(entries)}))"


def whole_version(names: Iterable[str]) -> str:
    """A JSON object of all these columns, with their new values."""
    return "to_json(struct_pack({}))".format(", ".join(f'"{name}" := i."{name}"' for name in names))


def _filled(items: Iterable[str]) -> str:
    return f"list_filter([{', '.join(items)}], x -> x IS NOT NULL)"


def _json(side: str, name: str) -> str:
    return f"""coalesce(to_json({side}."{name}"), 'null'::JSON)"""
