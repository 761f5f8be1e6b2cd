"""The routes of the pages for people: health, one restaurant, and the acknowledgement of an alert."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sync_platform.api.last_backup import LastBackupReader
from sync_platform.errors import NoLakeYet, UsageError
from sync_platform.lineage.opened_history import opened_history
from sync_platform.lineage.restaurant_report import RelatedCount, read_story_with_counts
from sync_platform.lineage.restaurant_story import RestaurantStory
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_store import AlertStore, open_alerts
from sync_platform.monitoring.installation_state import WaitingRun, read_state
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.decision import is_allowed
from sync_platform.platforms import load_platforms
from sync_platform.server.access_log import AccessLog
from sync_platform.server.pages.health_data import HealthPageData, health_page_data
from sync_platform.server.pages.health_page import health_page
from sync_platform.server.pages.restaurant_page import restaurant_page
from sync_platform.server.refusal import refusal
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName

HEALTH_AGE_S = 10.0
"""The health is read again when it is older than this."""


@dataclass
class PageRoutes:
    """The pages. `waiting_runs`: Dagster's runs that wait. `log`: notes acknowledgements in the audit log."""

    settings: Settings
    waiting_runs: Callable[[], Sequence[WaitingRun]]
    log: AccessLog
    _health: tuple[float, HealthPageData] | None = None
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def routes(self) -> list[Route]:
        return [
            Route("/", self.show_health, methods=["GET"]),
            Route("/restaurants/{restaurant_id}", self.show_restaurant, methods=["GET"]),
            Route("/alerts/{alert_id}/acknowledge", self.acknowledge, methods=["POST"]),
        ]

    async def show_health(self, request: Request) -> Response:
        """The health page."""
        actor: Actor = request.state.actor
        data = await run_in_threadpool(self._health_now)
        may_change = is_allowed(actor, Action.change_alerts)
        return _page(lambda nonce: health_page(data, nonce=nonce, user=actor.name, may_change_alerts=may_change))

    async def show_restaurant(self, request: Request) -> Response:
        """The page of a restaurant; 404 for one that does not exist."""
        actor: Actor = request.state.actor
        restaurant_id = request.path_params["restaurant_id"]
        try:
            story, related = await run_in_threadpool(self._read_restaurant, restaurant_id)
        except (UsageError, NoLakeYet):
            return refusal(404, f"there is no restaurant {restaurant_id}")
        return _page(lambda nonce: restaurant_page(story, related, nonce=nonce, user=actor.name))

    async def acknowledge(self, request: Request) -> Response:
        """Acknowledge an alert, and lead back to the health page."""
        try:
            await run_in_threadpool(self._acknowledge, request.state.actor, request.path_params["alert_id"])
        except UsageError as error:
            return refusal(404, str(error))
        return RedirectResponse("/", 303)

    @cached_property
    def _platforms(self) -> dict[str, Platform]:
        return load_platforms(self.settings.platform_path)

    @cached_property
    def _lake(self) -> Lake:
        """One connection for all requests; each takes a session of its own."""
        return Lake(LakeAddress.of(self.settings), read_only=True)

    @cached_property
    def _backups(self) -> LastBackupReader:
        return LastBackupReader(self.settings)

    def _health_now(self) -> HealthPageData:
        with self._reading:
            if self._health is None or time.monotonic() - self._health[0] > HEALTH_AGE_S:
                now = datetime.now(UTC)
                state = read_state(self.settings, self.waiting_runs, lambda own: open_alerts(own.ledger_url), now)
                backup = self._backups.read(state.backups)
                data = health_page_data(self.settings, self._platforms, state, self._lake, backup, now)
                self._health = (time.monotonic(), data)
            return self._health[1]

    def _read_restaurant(self, restaurant_id: str) -> tuple[RestaurantStory, tuple[RelatedCount, ...]]:
        from sync_platform.defs.resources import landing_store_of  # the import of Dagster takes a second

        landing, table = landing_store_of(self.settings).open(), self.settings.lineage_table_name
        with opened_history(self._lake, table, self._platforms, landing) as history:
            return read_story_with_counts(history, self._platforms, restaurant_id)

    def _acknowledge(self, actor: Actor, alert_id: str) -> None:
        """Acknowledge an open alert; UsageError for another. What cannot be logged is not done."""
        store = AlertStore(self.settings.ledger_url, channel_names(self.settings))
        try:
            subject = {"alert": alert_id, "cause": store.find_open(alert_id).cause}
            ended = self.log.change_begins(OperationName.acknowledge_alert, subject, actor)
            try:
                store.acknowledge(alert_id, actor.name)
            except BaseException:
                ended("failed")
                raise
            ended("complete")
        finally:
            store.engine.dispose()
        self._health = None


def _page(write: Callable[[str], str]) -> HTMLResponse:
    """A page with its policy: only its own style and script, and nothing from elsewhere."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(write(nonce), headers={"Content-Security-Policy": policy})
