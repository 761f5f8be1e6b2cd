"""`check`: the example of docs/quality.md runs as it stands, and a wrong file is named."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from sync_platform_tests.cli.conftest import ROOT, Shell


@pytest.fixture
def shell_with_example(synced: Shell, tmp_path: Path) -> Shell:
    """The synced home, with the example of the document as the only check."""
    section = (ROOT / "docs" / "quality.md").read_text().split("## A check of your own")[1].split("\n## ")[0]
    (name,) = set(re.findall(r"`([a-z_]+\.[a-z_]+\.[a-z_]+\.sql)`", section))
    (text,) = re.findall(r"```sql\n(.*?)```", section, re.DOTALL)
    (tmp_path / name).write_text(text)
    return replace(synced, environment={**synced.environment, "CHECKS": str(tmp_path)})


def test_the_example_of_the_document_is_a_check(shell_with_example: Shell) -> None:
    done = shell_with_example.run_in_process("check", "--json")
    (check,) = json.loads(done.stdout)["checks"]
    assert (check["check"], check["error"], check["threshold"]) == ("no_price", None, 0.95)
    assert check["records"] > 10
    assert done.returncode == (0 if check["passes"] else 1)
    assert "no_price" in shell_with_example.run_in_process("check").stdout


def test_a_wrong_file_is_named_by_check_and_by_quality(shell_with_example: Shell, tmp_path: Path) -> None:
    (tmp_path / "openrice.places.low.sql").write_text("SELECT 1")
    checked = shell_with_example.run_in_process("check")
    assert "openrice.places.low.sql: openrice has no dataset 'places'" in checked.stderr
    scored = shell_with_example.run_in_process("quality")
    assert "openrice.places.low.sql: openrice has no dataset 'places'" in scored.stdout
    assert (checked.returncode, scored.returncode) == (1, 1)


def test_a_stated_folder_that_does_not_exist_is_named(shell_with_example: Shell, tmp_path: Path) -> None:
    elsewhere = {**shell_with_example.environment, "CHECKS": str(tmp_path / "checs")}
    shell = replace(shell_with_example, environment=elsewhere)
    checked, scored = shell.run_in_process("check"), shell.run_in_process("quality")
    assert (checked.returncode, checked.stdout, scored.returncode) == (1, "", 1)
    assert "checs: there is no such folder" in checked.stderr
    assert "correct CHECKS" in checked.stderr
    assert "correct CHECKS" in scored.stdout.replace("\n", " ")
    assert "correct CHECKS" in shell.run_in_process("quality", "--json").stderr
    document = json.loads(shell.run_in_process("check", "--json").stdout)
    assert (document["checks"], len(document["problems"])) == ([], 1)


def test_an_unknown_check_is_refused(shell_with_example: Shell) -> None:
    done = shell_with_example.run_in_process("check", "low")
    assert (done.returncode, done.stdout) == (2, "")
    assert "has no check low; it has no_price" in done.stderr
