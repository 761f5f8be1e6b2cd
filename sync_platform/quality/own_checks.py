"""Own checks: SQL files of a team in a folder, each a measure of one dataset that the team defines itself.

A file `PLATFORM.DATASET.NAME.sql` has one SELECT that returns the `source_id` of every wrong record. Comments before it
say more:

-- description: An open restaurant has a price level.
-- severity: error
-- threshold: 0.99

What belongs here: finding and reading the files. `own_check_run` runs them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from sync_platform.errors import UsageError
from sync_platform.quality.score import DIMENSIONS, WHOLE
from sync_platform.sources.declaration import Platform

OWN = "own"
"""The dimension of own checks in `quality.scores`. It has no weight in the overall score."""
ENDING = ".sql"
HEADER = re.compile(r"--\s*(\w+)\s*:\s*(.*)")
PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = frozenset({*DIMENSIONS, WHOLE, "contract", "drift", "overall", OWN})
EXPECTED_NAME = "PLATFORM.DATASET.NAME.sql, such as openrice.restaurants.no_price.sql"
Severity = Literal["warn", "error"]
SEVERITIES: dict[str, Severity] = {"warn": "warn", "error": "error"}


@dataclass(frozen=True)
class OwnCheck:
    """One file. `sql`: one SELECT. `threshold`: the share of records that must be right.

    `problem`: why the check cannot be run, if its file is wrong but names a dataset; empty for a good file.
    """

    file: str
    platform: str
    dataset: str
    name: str
    sql: str = ""
    description: str = ""
    severity: Severity = "warn"
    threshold: float = 1.0
    problem: str = ""


@dataclass(frozen=True)
class OwnChecks:
    """The checks of a folder, in order of their names. `problems`: what is wrong with files, each naming its file."""

    checks: tuple[OwnCheck, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, platform: str, dataset: str) -> tuple[OwnCheck, ...]:
        return tuple(check for check in self.checks if (check.platform, check.dataset) == (platform, dataset))


NO_OWN_CHECKS = OwnChecks()


@dataclass
class _ReadChecks:
    checks: list[OwnCheck] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def load_own_checks(folder: Path, platforms: Mapping[str, Platform], *, is_stated: bool = False) -> OwnChecks:
    """The checks of a folder; none where it does not exist. A wrong file raises nothing: it is a problem.

    `is_stated`: CHECKS states the folder, so that it is a problem too if there is none.
    """
    reading = _ReadChecks()
    if is_stated and not folder.is_dir():
        reason = "is no folder" if folder.exists() else "there is no such folder"
        return OwnChecks(problems=(f"{folder}: {reason}, so no own check runs: create it, or correct CHECKS",))
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ENDING) if folder.is_dir() else []
    except OSError as error:
        return OwnChecks(problems=(f"{folder}: the folder of own checks cannot be read: {error.strerror}",))
    for path in paths:
        try:
            check = _named(path, platforms)
        except UsageError as error:
            reading.problems.append(f"{path.name}: {error}")
            continue
        try:
            check = _read(path, check)
        except UsageError as error:
            check = OwnCheck(path.name, check.platform, check.dataset, check.name, problem=str(error))
            reading.problems.append(f"{path.name}: {error}")
        reading.checks.append(check)
    return OwnChecks(tuple(reading.checks), tuple(reading.problems))


def _named(path: Path, platforms: Mapping[str, Platform]) -> OwnCheck:
    """The check with what the name of its file says. UsageError for a name that is wrong."""
    parts = path.name.removesuffix(ENDING).split(".")
    if len(parts) != 3:
        raise UsageError(f"its name is not {EXPECTED_NAME}")
    platform, dataset, name = parts
    if platform not in platforms:
        raise UsageError(f"there is no platform {platform!r}; there is {', '.join(platforms)}")
    datasets = [each.name for each in platforms[platform].datasets]
    if dataset not in datasets:
        raise UsageError(f"{platform} has no dataset {dataset!r}; it has {', '.join(datasets)}")
    if not PLAIN_NAME.fullmatch(name):
        raise UsageError(f"the check's name {name!r} is not made of letters, digits and underscores")
    if name in RESERVED:
        raise UsageError(f"{name!r} is the name of a built-in check")
    return OwnCheck(path.name, platform, dataset, name)


def _read(path: Path, check: OwnCheck) -> OwnCheck:
    """The check with what its file says. UsageError for a file that cannot be read or is not one SELECT."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"it cannot be read: {error}") from None
    header = _header(text)
    return OwnCheck(
        check.file,
        check.platform,
        check.dataset,
        check.name,
        _one_select(text),
        header.get("description", ""),
        _severity(header.get("severity", "warn")),
        _threshold(header.get("threshold", "1")),
    )


def _header(text: str) -> dict[str, str]:
    """The names and values of the comments before the statement. UsageError for an unknown name."""
    header = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("--"):
            break
        if match := HEADER.fullmatch(line.strip()):
            header[match[1].lower()] = match[2].strip()
    unknown = sorted(set(header) - {"description", "severity", "threshold"})
    if unknown:
        raise UsageError(f"its header has {', '.join(unknown)}; it may have description, severity and threshold")
    return header


def _severity(text: str) -> Severity:
    if text not in SEVERITIES:
        raise UsageError(f"its severity is {text!r}; it may be warn or error")
    return SEVERITIES[text]


def _threshold(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"its threshold is {text!r}; it may be a share from 0 to 1")
    return share


def _one_select(text: str) -> str:
    try:
        statements = duckdb.extract_statements(text)
    except duckdb.Error as error:
        raise UsageError(f"its SQL is wrong: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or statements[0].type.name != "SELECT":
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise UsageError(f"it is not one SELECT, which returns the source_id of wrong records; it is {kinds}")
    return statements[0].query
