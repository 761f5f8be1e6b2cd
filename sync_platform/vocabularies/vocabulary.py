"""A vocabulary: a small table of words, shipped as a CSV file that states its source and its version.

The file begins with lines `# version: 1` and `# source: ...`. Its header has the names of the columns. A cell of a list
has `; ` between the values; an empty cell is a missing value.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from sync_platform.sources.columns import Column

BETWEEN_VALUES = ";"
_DIGEST_LENGTH = 12


@dataclass(frozen=True)
class Vocabulary:
    """The declaration of a vocabulary. Its file is `<name>.csv`, its table `reference.<name>`.

    `key`: the columns that identify a row.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Edition:
    """One version of a vocabulary: its rows, by the names of the columns, in the order of the file.

    `digest`: the first hex digits of the SHA-256 of the header and the rows. Two editions with the same digest are
    equal, whatever version they state.
    """

    vocabulary: Vocabulary
    version: int
    source: str
    digest: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def name(self) -> str:
        return self.vocabulary.name

    @property
    def title(self) -> str:
        """Name and version, such as `cuisines 2`."""
        return f"{self.name} {self.version}"

    @property
    def mark(self) -> str:
        """Name, version and digest: what the rows of a run depend on."""
        return f"{self.title} {self.digest}"


@cache
def shipped_edition(vocabulary: Vocabulary) -> Edition:
    """The edition that is shipped with the program."""
    return read_edition(
        vocabulary, files("sync_platform.vocabularies").joinpath(f"{vocabulary.name}.csv").read_text("utf-8")
    )


def read_edition(vocabulary: Vocabulary, text: str) -> Edition:
    """The edition in the text of a file; ValueError, naming the vocabulary, where the text is not valid."""
    name, lines = f"{vocabulary.name}.csv", text.splitlines()
    stated = dict(line.removeprefix("#").strip().split(": ", 1) for line in lines if line.startswith("#"))
    for fact in ("version", "source"):
        if fact not in stated:
            raise ValueError(f"{name}: it states no {fact}")
    content = [line for line in lines if line and not line.startswith("#")]
    rows = tuple(_rows(vocabulary, content))
    keys = [" ".join(str(row[column]) for column in vocabulary.key) for row in rows]
    if repeated := sorted(key for key, count in Counter(keys).items() if count > 1):
        raise ValueError(f"{name}: {repeated[0]} is in two rows")
    digest = sha256("\n".join(content).encode()).hexdigest()[:_DIGEST_LENGTH]
    return Edition(vocabulary, int(stated["version"]), stated["source"], digest, rows)


def _rows(vocabulary: Vocabulary, lines: list[str]) -> Iterator[dict[str, Any]]:
    kinds = {column.name: column.sql_type for column in vocabulary.columns}
    table = csv.DictReader(lines)
    if tuple(table.fieldnames or ()) != tuple(kinds):
        raise ValueError(f"{vocabulary.name}.csv: its columns are not {', '.join(kinds)}")
    for row in table:
        try:
            yield {name: _value(row[name] or "", kind) for name, kind in kinds.items()}
        except ValueError as error:
            raise ValueError(f"{vocabulary.name}.csv, {row[vocabulary.key[0]]}: {error}") from None


def _value(text: str, kind: str) -> Any:
    """The value of a cell in the type of its column; ValueError where it is no such value."""
    if kind == "VARCHAR[]":
        return [part.strip() for part in text.split(BETWEEN_VALUES) if part.strip()]
    if not text.strip():
        return None
    try:
        return {"DOUBLE": float, "BIGINT": int}.get(kind, str)(text.strip())
    except ValueError:
        raise ValueError(f"{text.strip()} is no {kind}") from None
