"""Rules of the architecture: the order of the stages, unique names, and forbidden imports."""

from __future__ import annotations

from collections import defaultdict

from sync_platform_tests.tree import Module, import_cycles, modules_of

ORDER = [
    "errors", "setting_groups", "settings", "placeholders", "documents", "logs", "storage", "permissions", "vault",
    "sources", "vocabularies", "platforms", "landing", "quality", "lake", "matching", "unified", "lineage", "emergency",
    "backup", "privacy", "compliance", "monitoring", "defs", "definitions", "api", "api_client", "server", "cli",
    "__main__",
]  # fmt: skip
DRAWERS = {"utils", "helpers", "common", "misc", "shared", "lib", "base", "core", "manager"}
MAY_IMPORT_DAGSTER = (
    "sync_platform.defs",
    "sync_platform.definitions",
    "sync_platform.server.dagster_ui",
    "sync_platform.cli.runner",
)
INTERFACES = ("cli", "defs", "api")
"""A module of an interface may have the name of what it shows: `cli/quality/quarantine.py`, `quality/quarantine.py`."""
SIBLINGS = (
    {"platforms", "sandbox/views"},  # a platform, and how the sandbox plays it
    {"landing", "lineage"},  # each has a retention of what it stores
    {"vault/migrations", "storage/ledger_migrations"},  # Alembic prescribes the names
    {"", "sandbox"},  # two programs: each has its entry point
)
"""Folders that play the same role, so that a module of one may have the name of a module of another."""
PLAIN_PLATFORMS = ("bistrochat", "chope", "eatigo")
"""Platforms that are fetched in the usual way: their files have declarations only."""
LINES_OF_A_PLATFORM = 300
LINES_OF_A_PLAIN_PLATFORM = 130
MODULES = modules_of("sync_platform")
TESTS = modules_of("sync_platform_tests")

# Tests that use private parts of a library, because it has no public way.
KNOWN_PRIVATE_USES = {
    "sync_platform_tests/defs/daemon_harness.py",  # the next runs of Dagster's queue
}


def test_a_module_imports_only_from_earlier_stages() -> None:
    wrong = {module.path: sorted(found) for module in MODULES if (found := _stages_out_of_order(module))}
    assert wrong == {}


def _stages_out_of_order(module: Module) -> set[str]:
    stages = {name.split(".")[1] for name in module.imports() if name.startswith("sync_platform.")} - {"__version__"}
    if module.stage in ("", "sandbox"):
        return stages - {"sandbox"}
    before = set(ORDER[: ORDER.index(module.stage) + 1])
    return stages - before - ({"sandbox"} if module.stage == "cli" else set())


def test_there_are_no_import_cycles() -> None:
    assert import_cycles(MODULES) == set()


def test_only_the_shell_imports_dagster() -> None:
    knowing = {
        module.name
        for module in MODULES
        if any(
            name.split(".")[0] in ("dagster", "dagster_aws", "dagster_celery", "dagster_k8s", "dagster_pandas")
            for name in module.imports()
        )
    }
    assert knowing
    assert [name for name in sorted(knowing) if not name.startswith(MAY_IMPORT_DAGSTER)] == []


def test_no_module_is_named_for_miscellaneous_content() -> None:
    names = {part.removesuffix(".py") for module in MODULES for part in module.path.split("/")}
    assert names & DRAWERS == set()


def test_no_class_name_is_defined_twice() -> None:
    """Platform files are siblings, and so are the sandbox's views of them: each has its own `Restaurant`."""
    defined = defaultdict(list)
    for module in MODULES:
        if not _is_of_a_platform(module):
            for name in module.classes():
                defined[name].append(module.path)
    assert {name: paths for name, paths in defined.items() if len(paths) > 1} == {}


def _is_of_a_platform(module: Module) -> bool:
    platforms = {each.stem for each in MODULES if each.folder == "platforms"}
    return module.folder in ("platforms", "sandbox/views") and module.stem in platforms


def test_no_module_name_is_used_twice_except_by_siblings_of_the_same_role() -> None:
    folders = defaultdict(set)
    for module in MODULES:
        interface = module.folder.split("/")[0]
        if module.stem not in ("__init__", "commands"):  # each group of commands has its own `commands`
            folders[module.stem if interface not in INTERFACES else f"{interface}: {module.stem}"].add(module.folder)
    twice = {name: found for name, found in folders.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if not any(found <= each for each in SIBLINGS)} == {}


def test_a_platform_file_has_only_what_is_special_about_the_platform() -> None:
    platforms = [module for module in MODULES if module.folder == "platforms"]
    plain = {f"sync_platform/platforms/{name}.py": LINES_OF_A_PLAIN_PLATFORM for name in PLAIN_PLATFORMS}
    lines = {module.path: len(module.text.splitlines()) for module in platforms}
    assert plain.keys() <= lines.keys()
    assert {path: n for path, n in lines.items() if n > plain.get(path, LINES_OF_A_PLATFORM)} == {}


def test_tests_use_no_private_members_of_the_product() -> None:
    private_uses = {module.path: uses for module in TESTS if (uses := [*module.private_uses("sync_platform")])}
    assert {path: uses for path, uses in private_uses.items() if path not in KNOWN_PRIVATE_USES} == {}
    assert set(private_uses) >= KNOWN_PRIVATE_USES, "no longer needed: delete it from the list"
