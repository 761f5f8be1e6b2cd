"""docs/runbook.md: a section for each problem, and commands that work as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.settings import load_settings
from sync_platform.sources.period import day_in_hong_kong
from sync_platform_tests.cli.conftest import ROOT, Shell
from sync_platform_tests.cli.typed_commands import failed_commands, install_program, name_of
from sync_platform_tests.cli.unpacked_home import unpacked_home

PAGE = (ROOT / "docs" / "runbook.md").read_text()
SERVERS = ("serve",)
READERS = ("query", "freshness", "audit")
"""Commands that only read, and take a moment."""
TODAY = day_in_hong_kong(datetime.now(UTC)).isoformat()


def sections() -> dict[str, str]:
    """The sections of alerts and of topics by their titles; the text before the first one is `Runbook`."""
    parts = re.split(r"^#{1,3} (.+)$", PAGE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(filled: Mapping[str, str]) -> Iterator[str]:
    """Every command, each as a line for a shell, without its comment; words in capitals are replaced by `filled`."""
    for title, text in sections().items():
        words = {**filled, "FOLDER": f"restored-{title.replace(' ', '-')}"}
        for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE):
            command = re.sub(r"\s{2,}#.*", "", line)
            yield re.sub(r"\b[A-Z]{2,}\b(?!=)", lambda found, words=words: words.get(found[0], found[0]), command)


def words_of(command: str) -> list[str]:
    """The arguments of a command of the program, as a shell gives them to it."""
    typed = re.sub(r"\$\(date \+(\S+?)\)", TODAY, command)
    return shlex.split(typed.partition("sync-platform ")[2])


def test_each_problem_has_a_section_with_commands_and_no_section_is_for_another_one() -> None:
    names = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)
    assert sorted(names) == sorted(ProblemName)
    assert [name for name in names if "    sync-platform " not in sections()[name]] == []


def test_every_section_that_is_linked_to_exists() -> None:
    anchors = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in sections()}
    assert set(re.findall(r"\]\(#(.*?)\)", PAGE)) <= anchors


def test_every_command_and_option_exists(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    typed = {shlex.join(words_of(each)) for each in commands({}) if name_of(each)}
    assert len(typed) > 40
    assert {each for each in typed if shell.run_in_process(*shlex.split(each), "--help").returncode} == set()


def test_commands_that_read_work_in_a_synced_home(tmp_path: Path) -> None:
    shell = unpacked_home(tmp_path / "home")
    filled = {"PLATFORM": "openrice", "DATASET": "restaurants"}
    reading = {shlex.join(words_of(each)) for each in commands(filled) if name_of(each) in READERS}
    assert len(reading) > 8
    failed = {}
    for each in sorted(reading):
        done = shell.run_in_process(*shlex.split(each))
        if done.returncode > (each.split()[0] == "freshness"):
            failed[each] = done.stderr
    assert failed == {}


def with_alert(command: str, shell: Shell) -> str:
    """The command with the id of an alert that is open now, of an anomaly where that is needed."""
    if "ALERT" not in command:
        return command
    name = ProblemName.anomaly if "--expected" in command else ProblemName.sync_degraded
    return command.replace("ALERT", opened_alert(shell, name))


def opened_alert(shell: Shell, name: ProblemName) -> str:
    """The id of an alert about a problem of that name."""
    store = AlertStore(load_settings(sync_home=shell.home).ledger_url, ["log"])
    problem = Problem(name, "chope.restaurants records", "What.", "Effect.", "Action.", ("status",), ("chope",))
    store.round([problem], [name])
    return next(alert.alert_id for alert in store.open_alerts() if alert.cause == problem.cause)


@pytest.mark.full
def test_every_command_works_as_it_stands(tmp_path: Path, sandbox: Any) -> None:
    """One record of the first sync is in quarantine. The commands run in the order of the page."""
    shell = Shell(tmp_path / "home")
    shell.environment = sandbox("chope:retyped").addresses("chope")
    shell.sync("chope")
    (wrong,) = shell.query("SELECT dataset, source_id FROM quality.quarantine WHERE source_id IS NOT NULL LIMIT 1")
    shell.environment = {}
    assert shell.sync("--unify")[0] == 0
    install_program(tmp_path)
    filled = {"PLATFORM": "chope", "DATASET": wrong["dataset"], "ID": wrong["source_id"], "PERIOD": TODAY[:7]}
    failed = {}
    for command in commands(filled):
        if name_of(command) not in SERVERS and "erasure show" not in command:  # nobody is erased here
            failed |= failed_commands([with_alert(command, shell)], shell)
    assert failed == {}
