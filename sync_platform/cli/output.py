"""The output of all commands: documents, tables and text on standard output, problems on standard error, files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import orjson
from rich.console import Console
from rich.text import Text

from sync_platform.cli.exit_codes import READER_GONE
from sync_platform.documents.csv import SPREADSHEETS
from sync_platform.documents.document import Document
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.html import html_of
from sync_platform.documents.states import CANCELLED, COMPLETE, DEGRADED, FAILED, WITH_GAPS
from sync_platform.documents.text import text_of
from sync_platform.documents.wording import verbatim
from sync_platform.errors import StorageError, UsageError
from sync_platform.logs.line_handler import LoggedStream

WIDTH = 80
COLOURS = {COMPLETE: "green", WITH_GAPS: "green", DEGRADED: "yellow", FAILED: "red", CANCELLED: "red"}
MARKS = {COMPLETE: "✓", WITH_GAPS: "~", DEGRADED: "!", FAILED: "✗", CANCELLED: "✗"}
"""The colour and the mark of each state."""


def write_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json_of(document) + "\n")


def json_of(document: Any) -> str:
    """A document as JSON. Every moment in it is written in UTC."""
    return orjson.dumps(document, _for_json, orjson.OPT_INDENT_2 | orjson.OPT_PASSTHROUGH_DATETIME).decode()


def json_line(document: Any) -> str:
    """A document as JSON on one line, without its end."""
    return orjson.dumps(document, _for_json, orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _for_json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def write_document(document: Document, form: str, file: TextIO) -> None:
    """Write a document as one HTML page, or as text for the width of the terminal (`form`: html, text)."""
    if form == "html":
        file.write(html_of(document))
    else:
        file.write(text_of(document, Terminal(file=file).width, is_coloured=file.isatty()))


@contextmanager
def showing_steps(activity: str) -> Iterator[Callable[[str], None]]:
    """Shows the current step of an activity on standard error, in a terminal."""
    with Terminal(stderr=True).status(Text(activity)) as status:
        yield lambda step: status.update(Text(f"{activity}: {step}"))


def report_problem(message: str, level: int = logging.WARNING) -> None:
    """A message on standard error; where log lines are JSON, a log line of this level."""
    if isinstance(sys.stderr, LoggedStream):
        logging.getLogger(__name__).log(level, "%s", message)
    else:
        write_line(f"sync-platform: {message}")


def write_line(text: str) -> None:
    """A line on standard error, verbatim."""
    sys.stderr.write(f"{verbatim(text)}\n")
    sys.stderr.flush()


class Terminal(Console):
    """Prints every string verbatim: brackets and colons are text and never a style or an emoji.

    `width`: in columns; None: that of the variable COLUMNS or of the terminal, also where the output is a pipe or a
    file; 80 where there is neither, or where it is 0.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None, file: TextIO | None = None) -> None:
        super().__init__(stderr=stderr, width=width, file=file, highlight=False, markup=False, emoji=False)
        if self.width < 1:  # a terminal that does not know its width says 0
            self.width = WIDTH

    def render_str(self, text: str, **options: Any) -> Text:
        """The text of a line or a cell, as rich calls it for every string."""
        return super().render_str(verbatim(text), **options)

    def print_table(self, table: FittedTable) -> None:
        """Print a table so that it fits the width."""
        for part in table.parts(self.width):
            self.print(part, soft_wrap=isinstance(part, str))


def console() -> Terminal:
    """Standard output, for tables and lines."""
    return Terminal()


def styled(text: str, style: str) -> Text:
    """The text in a style of rich, such as `bold`."""
    return Text(verbatim(text), style)


def line(*parts: str | Text) -> Text:
    """Strings and styled texts as one line."""
    return Text.assemble(*(verbatim(part) if isinstance(part, str) else part for part in parts))


def coloured(state: str, text: str = "") -> Text:
    """A state (documents/states.py), or a text about it, in the colour of the state."""
    return styled(text or state, COLOURS.get(state, ""))


@contextmanager
def opened(out: str) -> Iterator[TextIO]:
    """The file of `--out`, which appears only when it is complete; `-` is standard output.

    A device or a pipe is written to, and never replaced by a file; a link is followed. Raises StorageError where it
    cannot be written, UsageError where its folder does not exist or it is a spreadsheet, and SystemExit where the
    reader of a pipe has enough.
    """
    try:
        with nullcontext(sys.stdout) if out == "-" else _complete_or_none(out) as file:
            yield file
    except BrokenPipeError:
        raise SystemExit(READER_GONE) from None
    except OSError as error:
        raise StorageError(f"--out {out}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _complete_or_none(out: str) -> Iterator[TextIO]:
    path = Path(out).resolve()
    if path.suffix.lower() in SPREADSHEETS:
        raise UsageError(
            f"--out {out}: a spreadsheet is not written; name a .csv file, which spreadsheet programs read"
        )
    if Path(out).exists() and not path.is_file() and not path.is_dir():  # a pipe at /dev/stdout has no path of its own
        with Path(out).open("w", encoding="utf-8", newline="") as file:
            yield file
        return
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--out {out}: it is a folder, or its folder does not exist")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
