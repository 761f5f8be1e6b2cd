"""The context of a GraphQL request: who asks, and the answers to Dagster's own permission checks.

Those checks grey out the buttons of the UI, and are a second line behind the guard of the schema.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.permissions import LOCATION_SCOPED_PERMISSIONS, PermissionResult, Permissions

from sync_platform.permissions.actor import Actor
from sync_platform.server.access_table import is_open_to
from sync_platform.server.dagster_ui.launch_tags import tags_of_actor

QUERY_WITHIN_S = 30.0
"""How long a query may take."""


class ActorContext(WorkspaceRequestContext):
    """The workspace as one actor may use it. `needs`: what each of Dagster's permissions needs (access.toml)."""

    def __init__(self, process: WorkspaceProcessContext, source: Any, needs: Mapping[str, str]) -> None:
        super().__init__(
            process.instance, process.get_current_workspace(), process, process.version, source, read_only=True
        )
        self._needs = needs
        self.ends_at = time.monotonic() + QUERY_WITHIN_S
        """Fields that are not resolved by then (monotonic seconds) are not resolved any more."""
        self.denied: set[str] = set()
        """The fields that were denied in this request: each is logged once, however often the query names it."""

    @property
    def actor(self) -> Actor | None:
        """None for a context that no request made: Dagster makes one when it reloads the code."""
        state = getattr(self.source, "scope", {}).get("state", {})
        actor = state.get("actor")
        return actor if isinstance(actor, Actor) else None

    @property
    def permissions(self) -> Mapping[str, PermissionResult]:
        return {each: self._answer(each) for each in Permissions}

    def permissions_for_location(self, *, location_name: str) -> Mapping[str, PermissionResult]:
        return {each: self._answer(each) for each in LOCATION_SCOPED_PERMISSIONS}

    def get_viewer_tags(self) -> dict[str, str]:
        """The tags of a backfill that the actor launches."""
        return tags_of_actor(self.actor) if self.actor else {}

    def get_reporting_user_tags(self) -> dict[str, str]:
        return self.get_viewer_tags()

    def _answer(self, permission: str) -> PermissionResult:
        is_enabled = is_open_to(self._needs.get(permission), self.actor)
        return PermissionResult(is_enabled, None if is_enabled else "Your role does not allow this.")
