"""An audit log of which a subject was edited in the ledger: one break of the evidence, and nothing else stops."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sync_platform_tests.cli.backed_up_home import BackedUpHome, backed_up_home

SUBJECTS = ("", "{bro", "null", "[1]")


@pytest.fixture
def edited(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> BackedUpHome:
    """A home in which the subject of every entry but the first was edited."""
    home = backed_up_home(tmp_path / "home", tmp_path_factory)
    with closing(sqlite3.connect(home.home / "ledger.sqlite")) as ledger, ledger:
        (count,) = ledger.execute("SELECT count(*) FROM audit_log").fetchone()
        for number in range(2, count + 1):
            subject = SUBJECTS[number % len(SUBJECTS)]
            ledger.execute("UPDATE audit_log SET subject = ? WHERE number = ?", [subject, number])
    assert count > len(SUBJECTS)
    return home


def test_every_command_that_reads_the_log_goes_on(edited: BackedUpHome) -> None:
    for command in (
        "audit",
        "status",
        "backup list",
        "backup verify",
        "backup prune --dry-run",
        "retention run --dry-run",
        "backup restore --target development --dry-run",
        "backup create",
    ):
        done = edited.shell.run_in_process(*command.split())
        assert done.returncode == 0, (command, done.stderr)
    done = edited.shell.run_in_process("report", "compliance", "--from", "2026-01-01", "--to", "2027-01-01")
    assert "the entry itself was changed" in done.stderr
    problems = edited.shell.run_in_process("watch", "--once", "--json").stdout
    assert not any(name in problems for name in ("lake-unusable", "ledger-unusable"))


def test_the_text_that_is_there_is_shown_and_each_edit_is_a_break(edited: BackedUpHome) -> None:
    entries = json.loads(edited.shell.run_in_process("audit", "--json").stdout)["entries"]
    assert {"unreadable": "{bro"} in [entry["subject"] for entry in entries]
    done = edited.shell.run_in_process("lineage", "verify", "--json")
    breaks = [each["number"] for each in json.loads(done.stdout)["breaks"] if "audit" in each["where"]]
    assert done.returncode == 1
    assert breaks[:3] == [2, 3, 4]


@pytest.mark.parametrize(("column", "what"), [("at", "a time"), ("number", "a number")])
def test_a_value_of_another_type_is_a_break_and_other_commands_say_what_is_wrong(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, column: str, what: str
) -> None:
    home = backed_up_home(tmp_path / "home", tmp_path_factory)
    with closing(sqlite3.connect(home.home / "ledger.sqlite")) as ledger, ledger:
        ledger.execute(f"UPDATE audit_log SET {column} = '{{bro' WHERE number = 2")
    problem = f"ledger.sqlite cannot be read: '{{bro' is stored where {what} should be: the file is damaged"
    assert problem in home.refused("audit")
    done = home.shell.run_in_process("lineage", "verify", "--json")
    assert done.returncode == 1
    assert problem in json.loads(done.stdout)["breaks"][0]["what"]
