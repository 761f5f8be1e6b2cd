"""The option `--full`: without it pytest runs the tests that every change must pass, with it all tests.

A case marked `full` runs only with `--full`. With it, each property is tried on twenty times as many examples. Mark a
case as `full` if another case of the same behaviour stays: the rest of a matrix, the second of two installations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

TIMES_AS_MANY = 20
_config: list[pytest.Config] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the whole matrices, and properties on 20 times the examples")


def pytest_configure(config: pytest.Config) -> None:
    _config[:] = [config]


def leave_out_full(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without `--full`, remove the cases that are marked `full`."""
    if is_full():
        return
    left_out = [item for item in items if item.get_closest_marker("full")]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


def is_full() -> bool:
    return any(config.getoption("full") for config in _config)


def examples(usual: int) -> int:
    """The number of examples of a property: the usual number, or twenty times as many with `--full`."""
    return usual * (TIMES_AS_MANY if is_full() else 1)


def rotated_pairs(rows: Sequence[Any], columns: Sequence[Any]) -> Iterator[Any]:
    """Every pair of a row and a column; without `--full`, each row once, with one column after the other."""
    for number, row in enumerate(rows):
        for at, column in enumerate(columns):
            yield pytest.param(row, column) if at == number % len(columns) else only_in_full(row, column)


def first_of(values: Sequence[Any], count: int) -> list[Any]:
    """The values as cases; without `--full`, only the first `count`."""
    return [value if number < count else only_in_full(value) for number, value in enumerate(values)]


def only_in_full(*values: Any) -> Any:
    """The values of a parametrised case that runs with `--full` only."""
    return pytest.param(*values, marks=pytest.mark.full)
