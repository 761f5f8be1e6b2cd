"""Each package that the project is built on is really used: by the product, or by the tests for pytest."""

from __future__ import annotations

import ast
import tomllib
from importlib.metadata import version

import pytest

from sync_platform_tests.tree import ROOT, Module, modules_of

IMPORTED = {
    "dagster": "sync_platform.defs",
    "dagster-aws": "sync_platform.defs",
    "dagster-pandas": "sync_platform.defs",
    "dagster-webserver": "sync_platform.server.dagster_ui",
    "pandera": "sync_platform.quality",
    "httpx": "sync_platform.sources",
    "boto3": "sync_platform.storage",
    "duckdb": "sync_platform.lake",
    "pytest": "sync_platform_tests",
}
"""By package, where it does its main work."""
MODULES = [*modules_of("sync_platform"), *modules_of("sync_platform_tests")]


def declared() -> set[str]:
    """The packages that pyproject.toml declares, without versions and extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return {line.split(";")[0].split("[")[0].split("=")[0].rstrip("<>~! ") for line in lines}


@pytest.mark.parametrize("package, place", IMPORTED.items())
def test_a_fixed_package_is_declared_and_used_where_it_does_its_work(package: str, place: str) -> None:
    assert package in declared()
    assert [module.path for module in MODULES if module.name.startswith(place) and uses(module, package)]


def uses(module: Module, package: str) -> bool:
    """True if a module imports a package for more than its types, and uses a name that it imports from there."""
    root = package.replace("-", "_")
    if not any(name.split(".")[0] == root for name in module.imports()):
        return False
    names: set[str] = set()
    for node in module.nodes:
        match node:
            case ast.Import(names=aliases):
                names |= {each.asname or root for each in aliases if each.name.split(".")[0] == root}
            case ast.ImportFrom(module=str(source), names=aliases, level=0) if source.split(".")[0] == root:
                names |= {each.asname or each.name for each in aliases}
    return any(isinstance(node, ast.Name) and node.id in names for node in module.nodes)


def test_the_webserver_has_the_version_of_dagster() -> None:
    assert version("dagster-webserver") == version("dagster")
