"""The locks of a run's platforms, taken before its first step and released after its last, so that no two runs overlap.

Dagster's pools prevent two steps of a platform at a time. But another run may start between two steps of a run, and a
killed run keeps its pools. Therefore a run takes the lock too, and then frees the pools of dead runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext

import dagster as dg

from sync_platform.defs.audit import note_run
from sync_platform.defs.dead_runs import end_dead_runs, free_pools, require_under_way, tags_of_process
from sync_platform.defs.overtaken_run import launched_again_if_overtaken
from sync_platform.defs.progress import Progress
from sync_platform.defs.request_notes import RequestNotes
from sync_platform.defs.run_assets import key_parts_of
from sync_platform.defs.run_log import logging_run
from sync_platform.documents.local_time import local_time
from sync_platform.sources.declaration import Platform
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.platform_lock import platform_lock

UNIFIED = "unified"
"""The name of the lock of the unified restaurants, which works like that of a platform."""


class PlatformLocks:
    """The locks that a run holds, by platform. `lock` makes the lock of a platform.

    `require_under_way` raises where the run has ended in Dagster's records, while its process goes on.
    """

    def __init__(
        self,
        lock: Callable[[str], AbstractContextManager[HeldLock | None]],
        require_under_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._lock, self._require_under_way = lock, require_under_way
        self._held: dict[str, tuple[HeldLock | None, ExitStack]] = {}

    def take(self, platform: str) -> None:
        with ExitStack() as stack:
            held = stack.enter_context(self._lock(platform))
            self._held[platform] = held, stack.pop_all()

    def close(self) -> None:
        """Release every lock."""
        while self._held:
            self._held.popitem()[1][1].close()

    def require(self, platform: str) -> None:
        """LockLost where another run has taken the lock meanwhile; StorageError where that cannot be known.

        A lock can be lost in a failover of the ledger's database (HeldLock). A run that others gave up is stopped.
        """
        self._require_under_way()
        if (held := self._of(platform)) is not None:
            held.require()

    def require_not_taken(self, platform: str) -> None:
        """LockLost as `require`; nothing follows where it cannot be known."""
        self._require_under_way()
        if (held := self._of(platform)) is not None:
            held.require_not_taken()

    def _of(self, platform: str) -> HeldLock | None:
        return self._held[platform][0] if platform in self._held else None

    @contextmanager
    def released(self, platform: str) -> Iterator[None]:
        """Release the lock for the block, and take it again afterwards. After an error it stays released."""
        held = self._held.pop(platform, None)
        if held is not None:
            held[1].close()
        yield
        if held is not None:
            self.take(platform)


def platform_lock_resource(
    ledger: str, platforms: dict[str, Platform], progress: Progress, require_writer: Callable[[], None]
) -> dg.ResourceDefinition:
    """The resource that every asset of a platform requires; `ledger` is the SQLAlchemy URL of the ledger.

    `require_writer` raises where another installation took over, so that no run of this one begins.
    """

    names = [*platforms, UNIFIED]

    @dg.resource(description="The locks of the run's platforms: a run waits here while another syncs one of them.")
    def platform_locks(context: dg.InitResourceContext) -> Iterator[PlatformLocks]:
        run, instance = context.run, context.instance
        if run is None or instance is None:  # outside a run nothing is locked
            yield PlatformLocks(lambda _: nullcontext())
            return
        run_id = run.run_id
        instance.add_run_tags(run.run_id, tags_of_process(run.run_id))
        locked = _locks_of(instance, run, names)
        operation = OperationName.unify if locked == [UNIFIED] else OperationName.sync
        with launched_again_if_overtaken(instance, run):
            note_run(run, ledger, operation, {"platforms": [name for name in locked if name != UNIFIED]})
        locks = PlatformLocks(
            lambda name: platform_lock(ledger, name, run_id, _on_wait(ledger, name, progress, context)),
            lambda: require_under_way(instance, run_id),
        )
        with logging_run(run, locked[0] if len(locked) == 1 and locked != [UNIFIED] else None), closing(locks):
            require_writer()
            for name in locked:
                locks.take(name)
                progress.lock_taken(name)
            end_dead_runs(instance)
            free_pools(instance, locked, run_id)
            yield locks

    return platform_locks


def _locks_of(instance: dg.DagsterInstance, run: dg.DagsterRun, names: list[str]) -> list[str]:
    """The locks that a run needs; all of them where it is not known what the run makes.

    Every run takes them in the same order: otherwise two runs could wait for each other.
    """
    parts = key_parts_of(instance, run) or set(names)
    return sorted(parts.intersection(names))


def _on_wait(
    ledger: str, platform: str, progress: Progress, context: dg.InitResourceContext
) -> Callable[[Holder | None], None]:
    """Reports each holder that the run waits for once, to the progress and to the run's log."""
    reported: set[Holder | None] = set()

    def waiting(holder: Holder | None) -> None:
        if holder in reported:
            return
        reported.add(holder)
        details = "" if holder is None else f" (run {holder.run_id[:8]}, since {local_time(holder.since)})"
        text = f"waiting for another sync of {platform}{details}"
        progress.waiting(platform, text)
        if context.run is not None:
            with closing(RequestNotes(context.run.tags, platform, ledger)) as notes:
                notes.note("waiting", text)
        if context.log is not None:
            context.log.info(text)

    return waiting
