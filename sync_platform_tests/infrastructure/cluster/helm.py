"""Helm itself, in the namespace of the chart. The binary is installed once, by install-helm.sh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.services import NOT_TESTED

FOLDER = Path.home() / ".cache/sync-platform-tests/helm"


@dataclass(frozen=True)
class Helm:
    """`kubeconfig`: the file that says where the API server is."""

    program: Path
    kubeconfig: Path

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [self.program, "--kubeconfig", self.kubeconfig, "--namespace", NAME, *arguments]
        return subprocess.run(command, capture_output=True, text=True)

    def history(self) -> list[tuple[int, str]]:
        """The number and the state of each revision of the release."""
        found: list[dict[str, Any]] = json.loads(self.run("history", NAME, "-o", "json").stdout)
        return [(int(each["revision"]), str(each["status"])) for each in found]


def installed_helm(kubeconfig: Path) -> Helm:
    """Helm; skips where it is not installed."""
    program = Path(os.environ.get("HELM") or shutil.which("helm") or FOLDER / "helm")
    if not program.exists():
        pytest.skip(f"Helm {NOT_TESTED}: run sync_platform_tests/infrastructure/cluster/install-helm.sh once")
    return Helm(program, kubeconfig)
