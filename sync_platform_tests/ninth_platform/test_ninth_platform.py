"""A ninth platform is three things: a platform file, a sandbox view, a fixture folder. Everything else follows.

The test puts the three into a copy of the project, edits nothing else there, and runs commands in it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PARTS = Path(__file__).parent / "seatly"
COPIED = ("sync_platform", "sync_platform_tests", "docs", "benchmarks")
REMADE = ("docs/datasets.md", "sync_platform_tests/defs/graph.json", "docs/pictures/assets.svg")
"""Files that are made from the platforms: the guide says to delete them, and the tests write them again."""
GRAPH, DOCS, TREE = (f"sync_platform_tests/{name}.py" for name in ("defs/test_graph", "test_docs", "test_architecture"))
FOLDERS = [f"sync_platform_tests/{name}" for name in ("platforms", "sandbox", "faults")]
OWN = "(seatly or test_graph or test_docs or test_architecture) and not loaded"
SLOW = " and not (test_architecture or cites)"
"""Tests that parse the whole tree; a ninth platform is tried by them with `--full` only."""
REMAKING = {
    f"{GRAPH}::test_the_graph_equals_its_snapshot",
    f"{GRAPH}::test_the_picture_of_the_readme_is_the_graph",
    f"{DOCS}::test_the_page_of_all_tables_is_the_one_that_the_program_declares",
    f"{DOCS}::test_the_register_of_personal_data_is_the_one_that_the_platform_files_declare",
}
"""These tests write them, and fail this one time."""


@dataclass(frozen=True)
class Project:
    """A copy of the project with the ninth platform in it."""

    folder: Path
    is_full: bool

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a Python module to its end, like in a fresh checkout without settings."""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        places = {"SANDBOX_PLACES": "60", "SANDBOX_TODAY": "2026-11-24", "SYNC_HOME": str(self.folder / "home")}
        environment = {**kept, **places, "PYTHONPATH": str(self.folder)}
        return subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True
        )

    def sync(self) -> list[dict[str, Any]]:
        """The datasets as `sync --json` reports them."""
        done = self.run("sync_platform", "sync", "seatly", "--json", "--no-unify")
        assert done.returncode == 0, done.stderr
        (platform,) = json.loads(done.stdout)["platforms"]
        datasets: list[dict[str, Any]] = platform["datasets"]
        return datasets

    def test(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests of the copy, with `--full` if this test runs with it."""
        full = ("--full",) if self.is_full else ()
        return self.run("pytest", "-p", "no:cacheprovider", *full, *arguments)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Project:
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("ninth_platform"))
    for file in (*ROOT.glob("*.*"), ROOT / ".env.example", ROOT / "Makefile"):
        if file.is_file():
            shutil.copy(file, folder / file.name)
    shutil.copy(PARTS / "platform.py", folder / "sync_platform/platforms/seatly.py")
    shutil.copy(PARTS / "view.py", folder / "sync_platform/sandbox/views/seatly.py")
    fixture = folder / "sync_platform_tests/fixtures/seatly"
    fixture.mkdir()
    for name in ("exchanges.json", "expected.json"):
        shutil.copy(PARTS / name, fixture / name)
    for name in REMADE:
        (folder / name).unlink()
    _delete_register(folder / "docs" / "privacy.md")
    return Project(folder, is_full=bool(pytestconfig.getoption("full", False)))


def _delete_register(page: Path) -> None:
    head, heading, _ = page.read_text().partition("## Register\n")
    page.write_text(head + heading)


def test_it_is_synced_from_the_sandbox_and_then_unchanged(project: Project) -> None:
    first, second = project.sync(), project.sync()
    assert {dataset["dataset"]: dataset["status"] for dataset in first} == dict.fromkeys(
        ("restaurants", "reviews"), "complete"
    )
    assert all(dataset["inserted"] for dataset in first)
    assert not any(dataset["inserted"] or dataset["updated"] for dataset in second)


def test_its_docs_are_made_and_its_fixture_its_faults_and_the_tree_are_tested_like_those_of_the_others(
    project: Project,
) -> None:
    chosen = OWN if project.is_full else OWN + SLOW
    done = project.test(GRAPH, DOCS, TREE, *FOLDERS, "-k", chosen)
    datasets, graph, picture = (project.folder / name for name in REMADE)
    assert datasets.exists() and graph.exists() and picture.exists(), done.stdout
    assert "seatly.restaurants" in datasets.read_text()
    assert "seatly/restaurants" in graph.read_text()
    assert "### seatly.reviews" in (project.folder / "docs" / "privacy.md").read_text()
    failed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == REMAKING, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed and int(passed[1]) > 30, done.stdout
