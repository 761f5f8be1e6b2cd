"""The election of the daemon: one for all servers of a deployment, and none of a second deployment.

The daemon holds two locks: one of the ledger, and one of the lake. Servers of one deployment have one ledger, one lake
and one instance of Dagster: their daemons wait for each other. Where the holder of a lock serves another instance of
Dagster, two deployments work on one ledger or on one lake. Then the second daemon is refused at once: it would launch
runs that the first one does not know, and with another ledger neither would wait for the syncs of the other.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from sync_platform.errors import AnotherDeployment
from sync_platform.settings import Settings, without_password
from sync_platform.storage.held_lock import HeldLocks
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import lake_lock, platform_lock

logger = logging.getLogger(__name__)
DAEMON = "dagster-daemon"
"""The name of both locks."""
MAX_HOST, ID_CHARACTERS = 20, 8  # a label in PostgreSQL has at most 63 bytes
MARK = "="
"""It stands before the id of the instance in a label. Earlier versions wrote no id."""


@dataclass(frozen=True)
class DaemonLabel:
    """What names a daemon in both locks: its machine, its process, and its instance of Dagster."""

    text: str

    @classmethod
    def of_this_process(cls, instance_id: str) -> Self:
        """`instance_id`: what tells the instance of Dagster from every other one."""
        short = hashlib.sha256(instance_id.encode()).hexdigest()[:ID_CHARACTERS]
        return cls(f"{socket.gethostname()[:MAX_HOST]}-{os.getpid()}{MARK}{short}")

    @property
    def place(self) -> str:
        """The machine and the process, for people."""
        return self.text.partition(MARK)[0]

    @property
    def instance(self) -> str:
        """The short id of its instance; empty for an earlier version."""
        return self.text.partition(MARK)[2]


class _Wait:
    """Says once that another daemon runs; AnotherDeployment where that one serves another instance of Dagster."""

    def __init__(self, label: DaemonLabel, shared: str) -> None:
        self._label, self._shared, self._is_said = label, shared, False

    def __call__(self, holder: Holder | None) -> None:
        daemon = DaemonLabel(holder.run_id if holder else "another server")
        if daemon.instance and daemon.instance != self._label.instance:
            raise AnotherDeployment(
                f"two deployments use {self._shared}, and this one is refused: the daemon at {daemon.place} serves "
                "another instance of Dagster. A deployment has one ledger, one lake and one instance, which "
                "DAGSTER_HOME names: give this one its own, or stop the other one"
            )
        if not self._is_said:
            self._is_said = True
            logger.warning(
                "Dagster's daemon runs at %s: the one of this server waits until that one ends", daemon.place
            )


@contextmanager
def elected(settings: Settings, label: DaemonLabel) -> Iterator[HeldLocks]:
    """Be the daemon within the block, once no other daemon of the deployment is; AnotherDeployment as above.

    Yields its locks: a daemon that has lost one must end.
    """
    catalog = without_password(settings.catalog_url)
    with HeldLocks() as locks:
        locks.take(platform_lock(settings.ledger_url, DAEMON, label.text, _Wait(label, "one ledger")))
        locks.take(lake_lock(settings.catalog_url, DAEMON, label.text, _Wait(label, f"the lake at {catalog}")))
        yield locks
