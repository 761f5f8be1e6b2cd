"""Readiness of a server whose parts run apart: it needs the definitions once."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import sqlalchemy as sa

from sync_platform.server.dagster_ui.workspace import DagsterWorkspace
from sync_platform.server.readiness import Readiness
from sync_platform.settings import load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database

LOST = "the code server has not loaded the definitions"


class Workspace:
    """Stands for the definitions of a code server: there or not."""

    lost: str | None = LOST

    def problem_of_definitions(self) -> str | None:
        return self.lost


def test_a_server_without_its_code_server_is_ready_once_it_has_had_the_definitions(tmp_path: Path) -> None:
    """All servers lose the code server together: none would answer what needs no definitions."""
    settings, workspace = load_settings(sync_home=tmp_path), Workspace()
    ledger = open_database(settings.ledger_url, MIGRATIONS)
    readiness = Readiness(settings, None, cast(DagsterWorkspace, workspace), ledger)
    assert (readiness.problems(), readiness.warnings()) == ([LOST], [])
    workspace.lost = None
    assert (readiness.problems(), readiness.warnings()) == ([], [])
    workspace.lost = LOST
    assert (readiness.problems(), readiness.warnings()) == ([], [LOST])
    ledger.dispose()


def test_a_server_whose_ledger_cannot_be_used_is_not_ready(tmp_path: Path) -> None:
    settings, workspace = load_settings(sync_home=tmp_path), Workspace()
    ledger = open_database(settings.ledger_url, MIGRATIONS)
    workspace.lost = None
    readiness = Readiness(settings, None, cast(DagsterWorkspace, workspace), ledger)
    assert readiness.problems() == []
    ledger.dispose()
    file = Path(str(sa.make_url(settings.ledger_url).database))
    file.unlink()
    file.mkdir()
    assert readiness.problems() == ["the ledger cannot be used"]
