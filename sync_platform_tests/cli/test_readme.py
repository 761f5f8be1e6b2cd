"""Every command of the README works as it stands, in a home after the first sync."""

from __future__ import annotations

import re
import signal

import pytest

from sync_platform_tests.cli.conftest import ROOT, Shell, wait_until
from sync_platform_tests.cli.typed_commands import PROGRAM, failed_commands, install_program, name_of

SERVERS = ("serve", "sandbox")


def commands() -> list[str]:
    """The commands of the section "Working with it", each as a line for a shell, without its comment."""
    section = (ROOT / "README.md").read_text().split("## Working with it")[1].split("\n## ")[0]
    lines = re.findall(rf"^{re.escape(PROGRAM)} .*", section, re.MULTILINE)
    return [re.sub(r"\s{2,}#.*", "", line) for line in lines]


def is_server(command: str) -> bool:
    return name_of(command) in SERVERS


def test_the_readme_shows_commands() -> None:
    assert len(commands()) > 20
    assert sum(map(is_server, commands())) == len(SERVERS)


@pytest.mark.full
def test_every_command_of_the_readme_works_as_it_stands(shell: Shell) -> None:
    install_program(shell.home.parent)
    assert shell.sync("--unify")[0] == 0
    assert failed_commands([command for command in commands() if not is_server(command)], shell) == {}


@pytest.mark.full
def test_the_sandbox_of_the_readme_serves(shell: Shell) -> None:
    (command,) = [each for each in commands() if " sandbox " in each]
    process = shell.start(*command.split()[1:])
    try:
        wait_until(lambda: "http://" in process.output, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
