"""trivy finds nothing in the chart, in Terraform's files and in the Dockerfile that has no reason to be there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sync_platform_tests.services import NOT_TESTED, installed_program
from sync_platform_tests.tree import ROOT

EXCEPTIONS = ROOT / "infrastructure" / "trivy-exceptions.yaml"
SCANNED = (ROOT / "infrastructure" / "k8s", ROOT / "infrastructure" / "terraform", ROOT / "Dockerfile")


@pytest.fixture
def trivy() -> Path:
    program = installed_program("trivy")
    if program is None:
        pytest.skip(f"the chart, Terraform's files and the Dockerfile by trivy {NOT_TESTED}: it is not installed")
    return program


@pytest.mark.full
def test_each_finding_has_a_reason_and_each_reason_a_finding(trivy: Path) -> None:
    found = {name for place in SCANNED for name in findings(trivy, place)}
    assert found == set(reasons())


@pytest.mark.full
@pytest.mark.parametrize("place", SCANNED, ids=lambda place: place.name)
def test_trivy_takes_the_list_of_reasons(trivy: Path, place: Path) -> None:
    done = scan(trivy, place, "--ignorefile", str(EXCEPTIONS), "--exit-code", "1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_reason_is_a_sentence() -> None:
    assert reasons() and all(len(reason) > 40 for reason in reasons().values())


def reasons() -> dict[str, str]:
    listed: list[dict[str, Any]] = yaml.safe_load(EXCEPTIONS.read_text())["misconfigurations"]
    return {each["id"]: each["statement"] for each in listed}


def findings(trivy: Path, place: Path) -> set[str]:
    results = json.loads(scan(trivy, place, "--format", "json").stdout)["Results"]
    return {each["ID"] for result in results for each in result.get("Misconfigurations", [])}


def scan(trivy: Path, place: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What trivy says of a place, by the checks that it has with it."""
    command = [str(trivy), "config", "--skip-check-update", "--quiet", *options, str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
