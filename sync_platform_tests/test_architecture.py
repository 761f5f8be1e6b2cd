"""The order of the stages, and names that no module may have."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "sync_platform"
ORDER = [
    "errors", "settings", "documents", "storage", "vault", "sources", "platforms", "landing", "quality", "lake",
    "matching", "unified", "lineage", "emergency", "compliance", "defs", "definitions", "cli", "__main__",
]  # fmt: skip
DRAWERS = {"utils", "helpers", "common", "misc", "shared", "lib", "base", "core", "manager"}
KNOW_DAGSTER = ("defs/", "definitions.py", "cli/run.py")
FILES = sorted(PACKAGE.rglob("*.py"))


def _imports(file: Path) -> set[str]:
    """Every module named by an import anywhere in the file, those for types only left out."""
    tree = ast.parse(file.read_text())
    for_types = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    found = set()
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _stage(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_what_stands_before_it(file: Path) -> None:
    ours = {name.split(".")[1] for name in _imports(file) if name.startswith("sync_platform.")}
    stage = _stage(file)
    if stage in ("sandbox", "__init__"):
        assert ours <= {"sandbox"}
        return
    allowed = set(ORDER[: ORDER.index(stage) + 1]) | ({"sandbox"} if stage == "cli" else set())
    assert ours <= allowed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_only_the_shell_knows_dagster(file: Path) -> None:
    name = file.relative_to(PACKAGE).as_posix()
    knows = any(module.split(".")[0] in ("dagster", "dagster_aws") for module in _imports(file))
    assert not knows or name.startswith(KNOW_DAGSTER)


def test_no_module_is_a_drawer() -> None:
    names = {part.removesuffix(".py") for file in FILES for part in file.relative_to(PACKAGE).parts}
    assert names & DRAWERS == set()
