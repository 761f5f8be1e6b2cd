"""After a failure the hint is the command that helps, as it must be typed there."""

from __future__ import annotations

import ast
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import sync_platform
from sync_platform.cli.app import app
from sync_platform.cli.next_steps import steps_after
from sync_platform.documents.typed_command import named_command, typed
from sync_platform.sources.period import current_period
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.test_summary import record_of

NOW = current_period("monthly").key


@pytest.mark.parametrize(
    ("partition", "records", "steps"),
    [
        (NOW, [record_of("restaurants", reasons=["r"], quarantined=3)], ["quarantine list keeta restaurants"]),
        (
            NOW,
            [record_of("restaurants", reasons=["r"], shrink_rejected=True)],
            ['sync keeta --accept-shrink "why they are really gone"'],
        ),
        (
            "2025-01",
            [record_of("restaurants", reasons=["r"], shrink_rejected=True)],
            ['sync keeta --partition 2025-01 --accept-shrink "why they are really gone"'],
        ),
        (NOW, [record_of("restaurants", reasons=["1 page failed"])], ["sync keeta"]),
        ("2025-01", [], ["sync keeta --partition 2025-01"]),
        (
            NOW,
            [
                record_of("restaurants", reasons=["r"], quarantined=3),
                record_of("menu_items", reasons=["1 page failed"]),
            ],
            ["quarantine list keeta restaurants", "sync keeta"],
        ),
        (
            NOW,
            [record_of("restaurants", reasons=["r"], quarantined=3, shrink_rejected=True), record_of("menu_items")],
            ["quarantine list keeta restaurants", 'sync keeta --accept-shrink "why they are really gone"'],
        ),
    ],
)
def test_each_kind_of_failure_has_its_command(partition: str, records: list[Any], steps: list[str]) -> None:
    commands = steps_after("keeta", partition, "failed" if not records else "degraded", records)
    assert commands == [f"sync-platform {step}" for step in steps]
    for step in commands:  # the command exists, and has these options
        _, *words = shlex.split(step)
        command = get_command(app)
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        command.make_context("step", words)


def test_a_complete_sync_needs_no_command() -> None:
    assert steps_after("keeta", NOW, "complete", [record_of("restaurants", gaps=["g"])]) == []


def test_a_command_is_typed_as_the_program_was_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "sync-platform"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", "/nowhere")
    assert typed("tables") == f"{program} tables"
    assert named_command("tables", "a b") == "sync-platform tables 'a b'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert typed("tables") == "sync-platform tables"
    monkeypatch.setattr(sys, "argv", ["/x/sync_platform/__main__.py"])
    assert typed("audit") == "sync-platform audit"


def test_a_text_that_is_sent_elsewhere_names_the_program_by_its_name_alone() -> None:
    package = Path(sync_platform.__file__).parent
    sent = [path for folder in ("monitoring", "api", "server") for path in (package / folder).rglob("*.py")]
    named = [path for path in sent if "named_command(" in path.read_text()]
    assert len(named) > 8
    assert [path.name for path in sent if re.search(r"import .*\btyped\b", path.read_text())] == []


def test_a_wrong_choice_is_explained_in_plain_words(shell: Shell) -> None:
    refused = shell.run_in_process("user", "add", "ada", "--role", "nope")
    assert refused.returncode == 2
    assert "'nope' is not one of" in " ".join(refused.stderr.split())
    assert "Value error" not in refused.stderr


def test_every_text_takes_the_commands_that_it_names_from_one_function() -> None:
    names = "|".join(get_command(app).commands)  # type: ignore[attr-defined]
    written = re.compile(rf"sync-platform ({names})\b(?! \d| repository \d)")  # a number follows in names of formats
    lines = []
    for path in Path(sync_platform.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        lines += [
            (path.name, node.value) for node in texts if id(node) not in docstrings and written.search(node.value)
        ]
    assert lines == []
