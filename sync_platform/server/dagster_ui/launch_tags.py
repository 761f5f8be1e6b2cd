"""The tags that say who launched a run or a backfill. What a request itself says about that is left out.

They are set in the arguments of the mutation, before Dagster makes the run: no run begins without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import DagsterInstance

from sync_platform.defs.audit import ACTOR_TAG, AUTOMATION_TAG, BACKFILL_TAG, SCHEDULE_TAG, SENSOR_TAG
from sync_platform.permissions.actor import Actor

USER_TAG = "user"
"""Dagster's UI shows it as the person who launched a run."""
OWN_PREFIX = "sync_platform/"
ORIGINS = {USER_TAG, SCHEDULE_TAG, SENSOR_TAG, AUTOMATION_TAG, BACKFILL_TAG}
"""Tags that say what began a run. Requests cannot set them."""


def tags_of_actor(actor: Actor) -> dict[str, str]:
    """The tags of what an actor launches."""
    return {USER_TAG: actor.name, ACTOR_TAG: actor.name}


def with_actor(arguments: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """The arguments of a mutation, in which every run to launch has the tags of the actor."""
    changed = dict(arguments)
    for name in ("executionParams", "executionParamsList", "reexecutionParams", "backfillParams"):
        for params in _as_list(changed.get(name)):
            if name == "reexecutionParams":
                params["extraTags"] = _tags(params.get("extraTags"), actor)
            elif name == "backfillParams":
                params["tags"] = _tags(params.get("tags"), actor)
            else:
                metadata = params.get("executionMetadata") or {}
                params["executionMetadata"] = {**metadata, "tags": _tags(metadata.get("tags"), actor)}
    return changed


def tag_backfill(instance: DagsterInstance, backfill_id: str, actor: Actor) -> None:
    """Give a new backfill the tags of the actor: one that repeats another has the tags of that one."""
    backfill = instance.get_backfill(backfill_id)
    if backfill is not None:
        instance.update_backfill(backfill._replace(tags={**backfill.tags, **tags_of_actor(actor)}))


def _as_list(value: Any) -> Sequence[dict[str, Any]]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _tags(given: Sequence[Mapping[str, str]] | None, actor: Actor) -> list[dict[str, str]]:
    tags = [dict(each) for each in given or [] if not _is_origin(each["key"])]
    return [*tags, *({"key": key, "value": value} for key, value in tags_of_actor(actor).items())]


def _is_origin(key: str) -> bool:
    return key in ORIGINS or key.startswith(OWN_PREFIX)
