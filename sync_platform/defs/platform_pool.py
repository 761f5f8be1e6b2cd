"""The pools of platforms in Dagster's queue: their limits, and one slot more while a run gives way to an emergency run.

What belongs here: limits. Which runs occupy a pool, and freeing those of dead runs, belongs in defs/dead_runs.py.
"""

from __future__ import annotations

from collections.abc import Collection

import dagster as dg


def limit_pools(instance: dg.DagsterInstance, platforms: Collection[str], urgent: Collection[str]) -> None:
    """Set the limit of each platform's pool that has none, and end the wider limits of platforms that are not urgent.

    Dagster's queue does not limit a pool that it sees for the first time. Without this, it would launch a whole
    backfill at once, and no slot would be left for a more urgent run. A limit stays wider if the run that widened it
    was killed.
    """
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for pool in set(platforms) - storage.get_concurrency_keys():
        storage.initialize_concurrency_limit_to_default(pool)
    for limit in storage.get_pool_limits():
        if limit.name in platforms and limit.name not in urgent and _is_wider(instance, limit.limit):
            restore_pool(instance, limit.name)


def widen_pool(instance: dg.DagsterInstance, pool: str) -> bool:
    """Give a pool with the default limit one slot more; False for a pool whose limit an operator has set."""
    storage, default = instance.event_log_storage, instance.global_op_concurrency_default_limit
    if default is None or not storage.supports_global_concurrency_limits:
        return False
    if not any(limit.name == pool and limit.limit == default for limit in storage.get_pool_limits()):
        return False
    storage.set_concurrency_slots(pool, default + 1)
    return True


def restore_pool(instance: dg.DagsterInstance, pool: str) -> None:
    """Give a pool the default limit again."""
    instance.event_log_storage.delete_concurrency_limit(pool)
    instance.event_log_storage.initialize_concurrency_limit_to_default(pool)


def _is_wider(instance: dg.DagsterInstance, limit: int) -> bool:
    default = instance.global_op_concurrency_default_limit
    return default is not None and limit == default + 1
