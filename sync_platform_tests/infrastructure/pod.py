"""The program in a pod with a role of AWS: the same functions and commands, with the settings of Terraform's output."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform.settings import Settings, load_settings
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.infrastructure.emulated_account import EmulatedRole


class Failed(Exception):
    """A command failed; its output says why."""


@dataclass(frozen=True)
class Pod:
    """Pods share a home here, because catalog, ledger and vault are SQLite: IAM does not decide about databases."""

    role: EmulatedRole
    home: Path

    @property
    def shell(self) -> Shell:
        return Shell(self.home, self.role.environment)

    @contextmanager
    def settings(self) -> Iterator[Settings]:
        """The settings of the pod, for as long as this process has its environment."""
        environment = self.shell.variables()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.home.parent)
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            yield load_settings()

    def run(self, *arguments: str) -> None:
        """Run a command in a process of its own; Failed where it does not end well."""
        done = self.shell.run(*arguments)
        if done.returncode:
            raise Failed(done.stderr + done.stdout)
