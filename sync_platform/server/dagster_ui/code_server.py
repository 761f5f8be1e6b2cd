"""Dagster's code server, which goes on looking for dead runs after a moment in which their records cannot be written.

    python -m sync_platform.server.dagster_ui.code_server api grpc -m sync_platform.definitions ...

Dagster's code server looks twice a second at the runs that are its children: it reports those that died, and ends after
the last one where it was asked to end. The thread that looks ends with the first error, such as that of a full disk.
Here it looks again.
"""

from __future__ import annotations

import runpy

from dagster._grpc.server import DagsterApiServer


def look_again_after_errors(kind: type[DagsterApiServer]) -> None:
    """Let servers of this class log an error of a look instead of raising it. Of errors in a row they log the first."""
    look = kind._check_for_orphaned_runs
    failing: set[int] = set()

    def look_safely(server: DagsterApiServer) -> None:
        try:
            look(server)
            failing.discard(id(server))
        except Exception as error:  # whatever the database's driver raises: it does not answer now
            if id(server) not in failing:
                server._logger.warning("runs whose process died cannot be reported now: %s", type(error).__name__)
            failing.add(id(server))

    kind._check_for_orphaned_runs = look_safely  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    look_again_after_errors(DagsterApiServer)
    runpy.run_module("dagster", run_name="__main__", alter_sys=True)
