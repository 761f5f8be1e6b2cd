"""The distribution of tests to the workers of `pytest -n`: whole files, so that the fixtures of a file are made once.

Files that share something expensive go to the same worker: the home of the first sync, the syntax trees of the project,
the fixtures of a folder. Folders with long files come first, so that no worker begins a long file when the others have
nothing left.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]
FIRST_SYNC = ("synced: Shell", "first_sync: FirstSync")
"""How a test takes the home of the first sync (cli/conftest.py)."""
WHOLE_TREE = "modules_of("
"""How a test reads every module of the project (tree.py)."""
SHARED_FOLDERS = ("faults",)
"""Folders whose files share expensive fixtures: the harness of each platform."""
LONG_FILES = ("cli", "faults", "ninth_platform", "lake", "lineage", "unified", "defs", "crash")


def put_long_files_first(items: list[pytest.Item]) -> None:
    """Sort by folder: those of LONG_FILES in their order, then the others as they are."""
    rank = {folder: number for number, folder in enumerate(LONG_FILES)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(Path(__file__).parent).parts[0], len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """The scheduler of whole files, unless `--dist` names another one."""
    from xdist.scheduler import LoadScopeScheduling

    class WholeFiles(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _scope_of(nodeid.split("::")[0])

    if config.option.dist != "load":
        return None
    config.option.loadscopereorder = False  # the files with the fewest tests are those that take longest
    return WholeFiles(config, log)


@cache
def _scope_of(file: str) -> str:
    """What goes to one worker: the file, or the files with which it shares something expensive."""
    folder = Path(file).parent.name
    if folder in SHARED_FOLDERS:
        return folder
    text = (ROOT / file).read_text()
    if WHOLE_TREE in text:
        return "whole tree"
    return "first sync" if any(argument in text for argument in FIRST_SYNC) else file
