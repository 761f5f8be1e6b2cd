"""SQL that compares two versions of a row: `i` is the new one, `c` the stored one.

A column that is a set (`Column.is_set`) differs only where it has other values: neither order nor repetition counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync_platform.sources.columns import Column


def differs(column: Column) -> str:
    """True if a column differs."""
    new, old = f'i."{column.name}"', f'c."{column.name}"'
    if column.is_set:
        return f"list_sort(list_distinct({new})) IS DISTINCT FROM list_sort(list_distinct({old}))"
    if column.one_of:
        return f'({new} IS DISTINCT FROM {old} AND NOT coalesce(list_contains(i."{column.one_of}", {old}), false))'
    return f"{new} IS DISTINCT FROM {old}"


def any_differs(columns: Iterable[Column]) -> str:
    """True if any of the columns differs."""
    return " OR ".join(map(differs, columns)) or "false"


def next_value(column: Column) -> str:
    """The value to store after the operation `d.operation`.

    A column that does not differ keeps its value, because its history has no change. A restore names all columns.
    """
    new = f'i."{column.name}"'
    if not (column.is_set or column.one_of):
        return new
    return f"CASE WHEN d.operation = 'restore' OR {differs(column)} THEN {new} ELSE c.\"{column.name}\" END"


def changed_names(columns: Iterable[Column]) -> str:
    """The names of the columns that differ."""
    return _filled(f"""CASE WHEN {differs(column)} THEN '{column.name}' END""" for column in columns)


def changed_values(side: str, columns: Iterable[Column]) -> str:
    """A JSON object of the differing columns, with their values on one side, `i` or `c`."""
    entries = (
        f"CASE WHEN {differs(column)} THEN {{k: '{column.name}', v: {_json(side, column.name)}}} END"
        for column in columns
    )
    return f"to_json(map_from_entries({_filled(entries)}))"


def whole_version(names: Iterable[str]) -> str:
    """A JSON object of all these columns, with their new values."""
    return "to_json(struct_pack({}))".format(", ".join(f'"{name}" := i."{name}"' for name in names))


def _filled(items: Iterable[str]) -> str:
    return f"list_filter([{', '.join(items)}], x -> x IS NOT NULL)"


def _json(side: str, name: str) -> str:
    return f"""coalesce(to_json({side}."{name}"), 'null'::JSON)"""
