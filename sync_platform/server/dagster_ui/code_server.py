"""Dagster's code server, which goes on looking for dead runs after a moment in which their records cannot be written.

    python -m sync_platform.server.dagster_ui.code_server api grpc -m sync_platform.definitions ...

Dagster's code server looks twice a second at the runs that are its children: it reports those that died, and ends after
the last one where it was asked to end. The thread that looks ends with the first error, such as that of a full disk.
Here it looks again.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable

from dagster._grpc.server import DagsterApiServer


def keep_looking(look: Callable[[DagsterApiServer], None]) -> Callable[[DagsterApiServer], None]:
    """A look at the runs that logs its error instead of raising it. Of errors in a row it logs the first."""
    failing: set[int] = set()

    def look_safely(server: DagsterApiServer) -> None:
        try:
            look(server)
            failing.discard(id(server))
        except Exception as error:  # whatever the database's driver raises: it does not answer now
            if id(server) not in failing:
                server._logger.warning("runs whose process died cannot be reported now: %s", type(error).__name__)
            failing.add(id(server))

    return look_safely


def run_code_server() -> None:
    """Run the command of Dagster that the arguments name."""
    DagsterApiServer._check_for_orphaned_runs = keep_looking(  # type: ignore[assignment, method-assign]
        DagsterApiServer._check_for_orphaned_runs
    )
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run_code_server()
