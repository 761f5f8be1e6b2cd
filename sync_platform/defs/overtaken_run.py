"""Overtaken runs: runs of an earlier version of this program that find what a newer version has made.

That happens during an upgrade: once the newer version has migrated what it uses, runs of the processes that are not
replaced yet are refused. Each is launched again until a process of the newer version carries it out.

What belongs here: launching such a run again. What a version refuses belongs in storage/.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep

import dagster as dg

from sync_platform.defs.trigger import ATTENDED_TAG, LAUNCHED_AGAIN_TAG
from sync_platform.errors import MadeByNewer

PAUSE_S = 30.0
"""How long an overtaken run waits before it fails: the upgrade goes on meanwhile."""
MOST_ATTEMPTS = 40
"""How often a run is launched again because it was overtaken: for 20 minutes at least."""
MAX_RETRIES_TAG, RETRY_NUMBER_TAG = "dagster/max_retries", "dagster/retry_number"
"""Dagster's tags: how often it launches a run again, and the how many-th of these runs it is."""


def launch_again(instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Wait, and have Dagster launch the run again once it has failed. This attempt counts as none of its retries.

    The run of a command fails at once: the person who waits for it repeats the command.
    """
    if ATTENDED_TAG in run.tags:
        return
    attempts = int(run.tags.get(RETRY_NUMBER_TAG, 0)) + 1
    tags = {LAUNCHED_AGAIN_TAG: "true"}
    if attempts <= MOST_ATTEMPTS:
        tags[MAX_RETRIES_TAG] = str(attempts + instance.run_retries_max_retries)
    instance.add_run_tags(run.run_id, tags)
    sleep(PAUSE_S)


@contextmanager
def launched_again_if_overtaken(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[None]:
    """Have Dagster launch the run again if the block raises MadeByNewer."""
    try:
        yield
    except MadeByNewer:
        launch_again(instance, run)
        raise
