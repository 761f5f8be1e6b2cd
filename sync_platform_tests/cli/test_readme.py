"""Every command of the README works as it stands, in a home after the first sync."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sync_platform_tests.cli.conftest import ROOT, Shell, wait_until

PROGRAM = ".venv/bin/sync-platform"
SERVERS = ("up", "sandbox")
JUDGES = ("quality", "report", "freshness", "health", "anomalies")
"""Commands whose exit code 1 is a judgement on the data, which may be hard on a small city."""


def commands() -> list[str]:
    """The commands of the section "Working with it", each as a line for a shell, without its comment."""
    section = (ROOT / "README.md").read_text().split("## Working with it")[1].split("\n## ")[0]
    lines = re.findall(rf"^{re.escape(PROGRAM)} .*", section, re.MULTILINE)
    return [re.sub(r"\s{2,}#.*", "", line) for line in lines]


def name_of(command: str) -> str:
    return command.removeprefix(f"{PROGRAM} ").split()[0]


def is_server(command: str) -> bool:
    return name_of(command) in SERVERS


def test_the_readme_shows_commands() -> None:
    assert len(commands()) > 20
    assert sum(map(is_server, commands())) == len(SERVERS)


@pytest.mark.full
def test_every_command_of_the_readme_works_as_it_stands(shell: Shell, tmp_path: Path) -> None:
    program = tmp_path / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sync_platform "$@"\n')
    program.chmod(0o755)
    assert shell.sync("--unify")[0] == 0
    failed = {}
    for command in commands():
        if is_server(command):
            continue
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=shell.variables(), capture_output=True, text=True, timeout=600
        )
        if done.returncode > (name_of(command) in JUDGES) or "Traceback" in done.stderr:
            failed[command] = done.stdout[-500:] + done.stderr[-500:]
    assert failed == {}


@pytest.mark.full
def test_the_sandbox_of_the_readme_serves(shell: Shell) -> None:
    (command,) = [each for each in commands() if " sandbox " in each]
    process = shell.start(*command.split()[1:])
    try:
        wait_until(lambda: "http://" in process.output, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
