"""Commands of a document, run as they stand in a shell, by an operator in the folder of a home."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sync_platform_tests.cli.conftest import Shell

PROGRAM = ".venv/bin/sync-platform"
JUDGES = {"quality": 1, "report": 1, "freshness": 1, "health": 2, "check": 1, "watch": 1}
"""The largest exit code of commands whose exit code is a judgement, which may be hard on a small city."""


def install_program(folder: Path) -> None:
    """Make the program in a folder, where `make` does it."""
    program = folder / PROGRAM
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m sync_platform "$@"\n')
    program.chmod(0o755)


def failed_commands(commands: Iterable[str], shell: Shell) -> dict[str, str]:
    """Run the commands in the folder of the home, one after the other; the output of each that fails."""
    folder = shell.home.parent
    variables = shell.variables() | {"PATH": f"{folder / '.venv' / 'bin'}:{shell.variables()['PATH']}"}
    failed = {}
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=variables, capture_output=True, text=True, timeout=600
        )
        if done.returncode > JUDGES.get(name_of(command), 0) or "Traceback" in done.stderr:
            failed[command] = f"exit code {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}"
    return failed


def name_of(command: str) -> str:
    """The subcommand of a line such as `SYNC_HOME=x .venv/bin/sync-platform sync chope`; empty for another program."""
    return command.partition("sync-platform ")[2].split(" ")[0]
