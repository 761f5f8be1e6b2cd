"""Counts of a sync's records that keep or break their contract, by column and rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from sync_platform.quality.contract import Breach

MAX_EXAMPLES = 5


@dataclass
class BrokenRule:
    """One rule of one column: the number of records that break it, and the first of them as examples."""

    is_hard: bool
    records: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, problem: str, landing_object: str, landing_line: int) -> None:
        self.records += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{problem} ({landing_object}:{landing_line})")


@dataclass
class ContractCounts:
    """Counts of records and of cells (record x column) that were checked against the contract, and of valid ones.

    `broken`: the broken rules by column and rule.
    """

    records: int = 0
    valid_records: int = 0
    cells: int = 0
    valid_cells: int = 0
    broken: dict[tuple[str, str], BrokenRule] = field(default_factory=dict)

    def add(self, batch: pa.RecordBatch, breaches: list[Breach], cells: int) -> None:
        """Count a batch of rows (with `landing_object`, `landing_line`); `cells` is the number of cells per row."""
        self.records += batch.num_rows
        self.valid_records += batch.num_rows - len({breach.row for breach in breaches})
        self.cells += batch.num_rows * cells
        self.valid_cells += batch.num_rows * cells - len({(breach.row, breach.column) for breach in breaches})
        for breach in breaches:
            place = batch["landing_object"][breach.row].as_py(), batch["landing_line"][breach.row].as_py()
            self._broken(breach.column, breach.rule, breach.is_hard).add(breach.problem, *place)

    def add_unparsable(self, key: str, lines: Sequence[tuple[int, list[dict[str, str | None]]]], cells: int) -> None:
        """Count an object's records that cannot become rows: line numbers with problems (`rule`, `path`, `problem`)."""
        self.records += len(lines)
        self.cells += len(lines) * cells
        self.valid_cells += len(lines) * (cells - 1)
        for line, problems in lines:
            for problem in problems:
                path, rule = problem["path"] or "$", problem["rule"] or ""
                self._broken(path, rule, is_hard=True).add(f"{path}: {problem['problem']}", key, line)

    def _broken(self, column: str, rule: str, is_hard: bool) -> BrokenRule:
        return self.broken.setdefault((column, rule), BrokenRule(is_hard))
