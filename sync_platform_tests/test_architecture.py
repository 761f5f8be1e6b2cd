"""The order of the stages, one meaning for each name, and what no module may do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sync_platform_tests.tree import Module, import_cycles, modules_of

ORDER = [
    "errors", "settings", "documents", "storage", "vault", "sources", "platforms", "landing", "quality", "lake",
    "matching", "unified", "lineage", "emergency", "compliance", "defs", "definitions", "cli", "__main__",
]  # fmt: skip
DRAWERS = {"utils", "helpers", "common", "misc", "shared", "lib", "base", "core", "manager"}
MAY_IMPORT_DAGSTER = ("sync_platform.defs", "sync_platform.definitions", "sync_platform.cli.runner")
SIBLINGS = (
    {"platforms", "sandbox/views"},  # a platform, and how the sandbox plays it
    {"cli", "defs"},  # the two interfaces to a stage: its commands, its assets
    {"", "sandbox"},  # two programs: each has its entry point and its errors
    {"vault/migrations", "storage/ledger_migrations"},  # Alembic prescribes the names
)
"""Folders that play the same role, so that a module of one may have the name of a module of another."""
MODULES = modules_of("sync_platform")
TESTS = modules_of("sync_platform_tests")

# Offenders that are known. Each list only shrinks: whoever mends one takes it out, and empty lists go.
KNOWN_CYCLES = {
    frozenset({"sync_platform.sources.extraction", "sync_platform.sources.declaration"}),
}
KNOWN_CLASSES = {
    "Act", "Changes",
    "Entry", "Intake", "Kind", "Origin", "Page", "Place", "Reply", "Report", "Request", "Rule", "Said",
    "Section", "Source", "Span", "Subject", "Table", "Turn", "View", "Voice", "_Run",
}  # fmt: skip
KNOWN_MODULES = {
    "appraisal", "chapters", "decisions", "document", "emergency", "export", "history", "intake", "lineage", "listing",
    "maintenance", "match", "membership", "names", "openlineage", "page", "personal", "places", "quality", "quarantine",
    "report", "retention", "rules", "scorecard", "tables", "text", "turns", "view",
}  # fmt: skip
KNOWN_PRIVATE_USES = {
    "sync_platform_tests/cli/test_installations.py",
    "sync_platform_tests/defs/test_emergency.py",
    "sync_platform_tests/landing/test_writer_reader.py",
    "sync_platform_tests/lineage/test_chain.py",
    "sync_platform_tests/quality/test_shape.py",
    "sync_platform_tests/storage/test_lease.py",
    "sync_platform_tests/storage/test_ledger.py",
    "sync_platform_tests/storage/test_relational.py",
}


def test_a_module_imports_only_what_stands_before_it() -> None:
    wrong = {module.path: sorted(found) for module in MODULES if (found := _stages_out_of_order(module))}
    assert wrong == {}


def _stages_out_of_order(module: Module) -> set[str]:
    stages = {name.split(".")[1] for name in module.imports() if name.startswith("sync_platform.")} - {"__version__"}
    if module.stage in ("", "sandbox"):
        return stages - {"sandbox"}
    before = set(ORDER[: ORDER.index(module.stage) + 1])
    return stages - before - ({"sandbox"} if module.stage == "cli" else set())


def test_no_modules_import_each_other_in_a_circle() -> None:
    _only_known(import_cycles(MODULES), KNOWN_CYCLES)


def test_only_the_shell_imports_dagster() -> None:
    knowing = {
        module.name
        for module in MODULES
        if any(name.split(".")[0] in ("dagster", "dagster_aws", "dagster_pandas") for name in module.imports())
    }
    assert knowing
    assert [name for name in sorted(knowing) if not name.startswith(MAY_IMPORT_DAGSTER)] == []


def test_no_module_is_a_drawer() -> None:
    names = {part.removesuffix(".py") for module in MODULES for part in module.path.split("/")}
    assert names & DRAWERS == set()


def test_no_class_name_is_defined_twice() -> None:
    """Platform files are siblings, and so are the sandbox's views of them: each has its own `Restaurant`."""
    defined = defaultdict(list)
    for module in MODULES:
        if not _is_of_a_platform(module):
            for name in module.classes():
                defined[name].append(module.path)
    _only_known({name for name, paths in defined.items() if len(paths) > 1}, KNOWN_CLASSES)


def _is_of_a_platform(module: Module) -> bool:
    platforms = {each.stem for each in MODULES if each.folder == "platforms"}
    return module.folder in ("platforms", "sandbox/views") and module.stem in platforms


def test_no_module_name_stands_twice_except_where_siblings_play_the_same_role() -> None:
    folders = defaultdict(set)
    for module in MODULES:
        if module.stem != "__init__":
            folders[module.stem].add(module.folder)
    twice = {name for name, found in folders.items() if len(found) > 1 and not _are_siblings(found)}
    _only_known(twice, KNOWN_MODULES)


def _are_siblings(folders: set[str]) -> bool:
    return any(folders <= siblings for siblings in SIBLINGS)


def test_tests_use_no_private_members_of_the_product() -> None:
    found = {module.path: uses for module in TESTS if (uses := [*module.private_uses("sync_platform")])}
    print("\n".join(f"{path}:{use}" for path, uses in found.items() for use in uses))
    _only_known(found.keys(), KNOWN_PRIVATE_USES)


def _only_known(offenders: Iterable[Any], known: set[Any]) -> None:
    """Fails for an offender that is not known, and for a known one that has been mended: take it out of its list."""
    found = set(offenders)
    assert found - known == set(), "new offenders"
    assert known - found == set(), "mended: take these out of the list"
