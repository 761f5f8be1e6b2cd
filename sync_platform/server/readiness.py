"""Readiness: what keeps the server from its work now, and what it does without.

What belongs here: the questions to the ledger, SYNC_HOME and the processes. The route is in state_routes.py.
"""

from __future__ import annotations

import sqlalchemy as sa

from sync_platform.emergency.starter_presence import has_starter
from sync_platform.errors import StorageError
from sync_platform.server.dagster_ui.workspace import DagsterWorkspace, is_serving
from sync_platform.server.home_probe import HomeProbe
from sync_platform.server.processes.dagster_processes import DagsterProcesses
from sync_platform.settings import Settings
from sync_platform.storage.relational import transaction


class Readiness:
    """The readiness of one server. `processes`: its own of Dagster; None where they run elsewhere.

    Without processes of its own the server needs neither the daemon nor the starter. It needs the definitions once: if
    the code server goes away later, all servers lose them together, and the API still answers.
    """

    def __init__(
        self,
        settings: Settings,
        processes: DagsterProcesses | None,
        workspace: DagsterWorkspace,
        ledger: sa.Engine,
    ) -> None:
        self._settings, self._processes, self._workspace, self._ledger = settings, processes, workspace, ledger
        self._home = HomeProbe(settings.home)
        self._has_had_definitions = False

    def problems(self) -> list[str]:
        """What is not ready now, in words without details."""
        return [*self._problems_of_dagster(), *self._problems_of_ledger(), *filter(None, [self._home.problem()])]

    def warnings(self) -> list[str]:
        """What the server does without now."""
        return self._lost_definitions() if self._processes is None and self._has_had_definitions else []

    def _problems_of_dagster(self) -> list[str]:
        if self._processes is None:
            lost = self._lost_definitions()
            self._has_had_definitions |= not lost
            return [] if self._has_had_definitions else lost
        problems = self._processes.problems()
        if not problems and not is_serving(str(self._processes.socket)):
            problems = ["the code server does not answer"]
        return problems or [*filter(None, [self._workspace.problem()])]

    def _lost_definitions(self) -> list[str]:
        return [*filter(None, [self._workspace.problem_of_definitions()])]

    def _problems_of_ledger(self) -> list[str]:
        try:
            with transaction(self._ledger) as connection:
                connection.execute(sa.text("SELECT 1"))
            is_ready = self._processes is None or has_starter(self._settings.ledger_url)
        except StorageError:
            return ["the ledger cannot be used"]
        return [] if is_ready else ["the emergency starter is not ready"]
