"""Commands run as a person would: in processes of their own, each test in a home of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync_platform.cli.app import run

ROOT = Path(__file__).parents[2]


@dataclass
class Shell:
    """A home, and the environment that commands run in; nothing of the tester's own settings reaches them."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sync_platform", *arguments],
            cwd=self.home.parent,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=120)
        done = subprocess.CompletedProcess(arguments, process.returncode, output, errors)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def here(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command run in this process: seconds less, where it only refuses."""
        output, errors = io.StringIO(), io.StringIO()
        environment = self._environment()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output), redirect_stderr(errors):
            patch.chdir(self.home.parent)
            for name in set(os.environ) - set(environment):
                patch.delenv(name)
            for name, value in environment.items():
                patch.setenv(name, value)
            code = run(list(arguments))
        return subprocess.CompletedProcess(arguments, code, output.getvalue(), errors.getvalue())

    def sync(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the document of `sync --json`; restaurants are unified only where that is asked for."""
        done = self.run("sync", "--json", *([] if "--unify" in arguments else ["--no-unify"]), *arguments)
        return done.returncode, json.loads(done.stdout or "{}") | ({} if done.stdout else {"error": done.stderr})

    def query(self, sql: str) -> list[dict[str, Any]]:
        done = self.run("query", sql, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        return {
            **kept,
            "PYTHONPATH": str(ROOT),
            "SYNC_HOME": str(self.home),
            "SANDBOX_PLACES": "60",
            "SANDBOX_TODAY": "2026-11-24",
            "HTTP_ATTEMPTS": "3",
            **self.environment,
        }


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "home")


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home in which everything has been synced once."""
    shell = Shell(tmp_path_factory.mktemp("synced") / "home")
    code, document = shell.sync()
    assert code == 0, document
    return shell


@dataclass
class Sandbox:
    """A sandbox of the tests' own, whose faults can be switched."""

    url: str
    process: subprocess.Popen[str]

    def addresses(self, *platforms: str) -> dict[str, str]:
        found = {f"{platform.upper()}_BASE_URL": f"{self.url}/{platform}" for platform in platforms}
        if "data_gov_hk" in platforms:
            found["DATA_GOV_HK_ARCHIVE_URL"] = f"{self.url}/data_gov_hk_archive"
        return found


@pytest.fixture
def sandbox() -> Iterator[Any]:
    """Starts sandboxes with faults: `sandbox("chope:http_500")`."""
    started: list[Sandbox] = []

    def start(*faults: str, places: int = 60, today: str = "2026-11-24") -> Sandbox:
        command = [sys.executable, "-m", "sync_platform.sandbox", "--places", str(places), "--today", today]
        for fault in faults:
            command += ["--fault", fault]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        started.append(Sandbox(json.loads(process.stdout.readline())["url"], process))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
