"""The contract of a dataset as a pandera schema (polars backend), built from its declaration.

The Row class is the single definition: the table, its column comments, the documents and this schema come from it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, NamedTuple

import polars as pl

# pandera sets this to 1 at import for PySpark; pyarrow would then read every time as UTC
os.environ.setdefault("PYARROW_IGNORE_TIMEZONE", "")
import pandera.polars as pa
from pandera.errors import SchemaErrors

from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.rules import (
    CrossRule,
    HongKongPhone,
    InOrder,
    OneOf,
    ReadableHours,
    Rule,
    Shaped,
    StepsOf,
    ValueRule,
    Within,
)
from sync_platform.storage.lake_text import UNREADABLE

POLARS_TYPES: dict[str, Any] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "DATE": pl.Date(),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
    "DECIMAL(12,2)": pl.Decimal(12, 2),
    "VARCHAR[]": pl.List(pl.String()),
}
PHONE_DIGITS = r"^(?:852)?[2-9]\d{7}$"
LONGEST_VALUE = 80
READABLE = "text of which each character can be read"


class Breach(NamedTuple):
    """One rule that one record breaks.

    `row` is the record's position in the frame, from 0. Where a rule covers several columns, `column` joins their
    names by commas.
    """

    row: int
    column: str
    rule: str
    is_hard: bool
    value: str | None

    @property
    def problem(self) -> str:
        return f"{self.column} is {self.value}, not {self.rule}" if self.value is not None else self.rule


@dataclass(frozen=True)
class _ColumnRule:
    """A rule and the column that it applies to."""

    column: str
    rule: Rule | CrossRule


class Contract:
    """The rules that the rows of one dataset must keep."""

    def __init__(self, dataset: Dataset) -> None:
        self._rules_by_key: dict[str, _ColumnRule] = {}
        columns = columns_of(dataset.row)
        self.names = [column.name for column in columns]
        self.schema = pa.DataFrameSchema(
            {
                column.name: pa.Column(
                    POLARS_TYPES[column.sql_type],
                    [self._check(column.name, rule, _keeps_rule(rule, column)) for rule in column.rules],
                    nullable=True,
                    description=column.description,
                )
                for column in columns
            },
            checks=[
                self._check(", ".join(_columns_of_rule(rule)), rule, _columns_keep_rule(rule)) for rule in dataset.rules
            ],
            name=dataset.name,
            description=dataset.description,
        )

    def breaches(self, frame: pl.DataFrame) -> list[Breach]:
        """Every rule that any row breaks, not only the first. Columns outside the contract are ignored.

        Raises pandera's SchemaErrors where a column has another type than the contract's, which is a defect of the
        caller.
        """
        try:
            self.schema.validate(frame.select(self.names), lazy=True)
        except SchemaErrors as errors:
            cases = errors.failure_cases
            if cases["index"].has_nulls():
                raise
            return [
                self._breach(key, row, value)
                for key, row, value in cases.select("check", "index", "failure_case").iter_rows()
            ]
        return []

    def unreadable(self, frame: pl.DataFrame) -> list[Breach]:
        """Every text of the frame in which U+FFFD stands for a character that could not be read or stored."""
        breaches = []
        for name in self.names:
            text = frame[name].list.join("\n") if frame[name].dtype == pl.List(pl.String()) else frame[name]
            if text.dtype == pl.String():
                rows = text.str.contains(UNREADABLE, literal=True).fill_null(False).arg_true()
                breaches += [Breach(row, name, READABLE, False, _short(text[row])) for row in rows]
        return breaches

    def _breach(self, key: str, row: int, value: str | None) -> Breach:
        rule = self._rules_by_key[key]
        shown_value = None if rule.column.count(",") or value is None else _short(value)
        return Breach(row, rule.column, rule.rule.words, rule.rule.hard, shown_value)

    def _check(self, column: str, rule: Rule | CrossRule, condition: pl.Expr) -> pa.Check:
        key = f"{column}: {rule.words}"
        self._rules_by_key[key] = _ColumnRule(column, rule)
        return pa.Check(lambda data: data.lazyframe.select(condition.fill_null(True)), name=key, error=key)


def _keeps_rule(rule: Rule, column: Any) -> pl.Expr:
    """True if a column's value keeps the rule; null for an empty value."""
    value = pl.col(column.name)
    if isinstance(rule, ReadableHours):
        return value.list.join("\n").map_elements(_can_be_read, return_dtype=pl.Boolean)
    if column.sql_type.endswith("[]"):
        return value.list.eval(_value_keeps_rule(rule, pl.element())).list.all()
    return _value_keeps_rule(rule, value)


def _value_keeps_rule(rule: ValueRule, value: pl.Expr) -> pl.Expr:
    match rule:
        case Within(low, high):
            sides = ([value >= low] if low is not None else []) + ([value <= high] if high is not None else [])
            return reduce(and_, sides)
        case StepsOf(step):
            return value % step == 0
        case OneOf(values):
            return value.is_in(list(values))
        case Shaped(pattern):
            return value.str.contains(f"^(?:{pattern})$")
        case HongKongPhone():
            return value.str.replace_all(r"\D", "").str.contains(PHONE_DIGITS)


def _can_be_read(hours: str) -> bool:
    return not hours or read_hours((hours,)) is not None


def _columns_of_rule(rule: CrossRule) -> tuple[str, ...]:
    return (rule.first, rule.second) if isinstance(rule, InOrder) else rule.columns


def _columns_keep_rule(rule: CrossRule) -> pl.Expr:
    if isinstance(rule, InOrder):
        return pl.col(rule.first) <= pl.col(rule.second)
    filled = [pl.col(name).is_not_null() for name in rule.columns]
    return reduce(and_, (filled[0] == other for other in filled[1:]))


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 1] + "…"
