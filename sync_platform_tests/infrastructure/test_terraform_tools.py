"""Tools of others find nothing in Terraform's files. Each runs where it is installed, and is named where it is not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from sync_platform_tests.infrastructure.terraform import FOLDER
from sync_platform_tests.services import NOT_TESTED, installed_program

COMMANDS = {
    "terraform": ("fmt", "-check", "-diff", "-recursive", str(FOLDER)),
    "checkov": ("--directory", str(FOLDER), "--compact", "--quiet", "--skip-download"),
}


@pytest.mark.full
@pytest.mark.parametrize("tool", COMMANDS)
def test_a_tool_finds_nothing(tool: str) -> None:
    program = installed_program(tool)
    if program is None:
        pytest.skip(f"Terraform's files by {tool} {NOT_TESTED}: it is not installed")
    done = subprocess.run([program, *COMMANDS[tool]], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.parametrize("file", [file for file in FOLDER.rglob("*.tf") if "checkov:skip" in file.read_text()], ids=str)
def test_each_check_that_is_skipped_has_its_reason(file: Path) -> None:
    for skipped in re.findall(r"checkov:skip.*", file.read_text()):
        assert re.fullmatch(r"checkov:skip=CKV2?_AWS_\d+:\w.{19,}", skipped), skipped
