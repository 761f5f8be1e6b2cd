"""Text from data is printed verbatim: it is no markup for the output, and it does not control the terminal."""

from __future__ import annotations

import io
import json
import os
import re

import pytest

from sync_platform.cli.audited import log_entry
from sync_platform.cli.output import Terminal, coloured, line, styled
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.wording import verbatim
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.tree import modules_of

MARKUP = ":smile: [bold]soup[/bold] [/x] [link=http://a]b [0] \\[red]"
CONTROL = "\x1b[31mred\x07 \u202eright to left\u200b\x00"
SPELT_OUT = r"\x1b[31mred\x07 \u202eright to left\u200b\x00"
LONG_WORD = "w" * 10_000
HOSTILE = f"{MARKUP} {CONTROL} {LONG_WORD}"


def _without_breaks(printed: str) -> str:
    """The printed text without the lines of tables, the breaks of lines and the blanks of cells."""
    return re.sub(r"[\s│┃|┆]", "", printed)


def _is_verbatim(printed: str) -> bool:
    flat = _without_breaks(printed)
    return all(_without_breaks(text) in flat for text in (MARKUP, SPELT_OUT)) and flat.count("w" * 5_000) > 0


def _controls(printed: str) -> set[str]:
    """The characters of the output that control a terminal or that nobody sees."""
    return set(printed) & set("\x1b\x07\u202e\u200b\x00")


@pytest.mark.parametrize("columns", ["0", "none"])
def test_a_terminal_that_does_not_know_its_width_has_80_columns(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr("os.get_terminal_size", lambda descriptor: os.terminal_size((0, 0)))
    assert Terminal(file=io.StringIO()).width == 80


def test_text_is_utf_8_in_any_locale(shell: Shell) -> None:
    shell.environment |= {"PYTHONIOENCODING": "latin-1", "LOG_FORMAT": "text"}
    for sign in ("茶", "\udcff"):
        with shell.start_interpreter("sync", sign) as command:
            assert command.stderr
            assert f"unknown platform {'茶' if sign == '茶' else chr(92) + 'udcff'}; there are" in command.stderr.read()
        assert command.returncode == 2


def test_standard_input_that_is_no_text_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"SELECT '\xff'"), "utf-8"))
    done = shell.run_in_process("query", "-")
    assert (done.returncode, "standard input is not UTF-8" in done.stderr) == (2, True)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_terminal_prints_tables_titles_and_lines_verbatim(width: int) -> None:
    terminal = Terminal(width=width)
    terminal.file = io.StringIO()
    table = FittedTable([HOSTILE], title=HOSTILE)
    table.add_row(HOSTILE)
    for part in (table, HOSTILE, line("at ", styled(HOSTILE, "bold"), HOSTILE), coloured("complete", HOSTILE)):
        if isinstance(part, FittedTable):
            terminal.print_table(part)
        else:
            terminal.print(part, soft_wrap=isinstance(part, str))
        assert _is_verbatim(terminal.file.getvalue())
        assert not _controls(terminal.file.getvalue())
        terminal.file.seek(0)
        terminal.file.truncate()


def test_line_breaks_stay() -> None:
    assert verbatim("one\ntwo\x1b") == "one\ntwo\\x1b"


def test_a_query_shows_text_as_it_is(synced: Shell) -> None:
    sql = "SELECT '{}' AS \"[/x] :smile:\"".format(HOSTILE.replace("\x00", ""))
    output = synced.run_in_process("query", sql)
    assert output.returncode == 0, output.stderr
    flat = _without_breaks(output.stdout)
    assert _without_breaks(MARKUP) in flat
    assert _without_breaks("[/x] :smile:") in flat
    assert flat.count("w") >= 10_000
    assert not _controls(output.stdout)
    as_json = synced.run_in_process("query", sql, "--format", "json")
    assert json.loads(as_json.stdout) == [{"[/x] :smile:": HOSTILE.replace("\x00", "")}]


def test_an_error_shows_the_words_of_a_person_as_they_are(synced: Shell) -> None:
    for command in (
        ("query", f"SELECT {HOSTILE}"),
        ("lineage", "show", HOSTILE),
        ("quarantine", "show", "chope", "restaurants", HOSTILE),
        ("match", "decide", HOSTILE, "openrice/1", "--same", "--reason", "x"),
        ("emergency", "status", HOSTILE),
        ("query", "SELECT 1", "--as-of", HOSTILE),
    ):
        done = synced.run_in_process(*command)
        assert done.returncode in (1, 2), command
        assert not _controls(done.stderr + done.stdout), command
        assert "Traceback" not in done.stderr, command


def test_the_audit_log_and_the_requests_show_a_reason_as_it_is(shell: Shell) -> None:
    settings = load_settings(sync_home=shell.home)
    log_entry(settings, f"odd {MARKUP}", {"reason": f"{MARKUP} {CONTROL}"}, "complete")
    requests = RequestStore(settings.ledger_url)
    submit_request(requests, load_platforms(), ["chope"], reason=MARKUP, requester=f"ada {MARKUP}")
    for command in (("audit",), ("emergency", "status")):
        done = shell.run_in_process(*command)
        assert done.returncode == 0, done.stderr
        assert _without_breaks(":smile: [bold]") in _without_breaks(done.stdout)
        assert not _controls(done.stdout)


def test_only_two_modules_print_through_rich() -> None:
    """Everything else prints through `Terminal`, so that no string of data can be markup."""
    printing = {
        module.path
        for module in modules_of("sync_platform")
        if {"rich.console.Console", "rich.markup", "rich.print"} & module.imports()
    }
    assert printing == {"sync_platform/cli/output.py", "sync_platform/documents/text.py"}
