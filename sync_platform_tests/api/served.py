"""The API of a home as an application in this process, and clients for each role."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fastapi import FastAPI, Request, Response

from sync_platform.api.context import ApiContext
from sync_platform.api.job_processes import JobProcesses
from sync_platform.api.job_store import ApiJob, JobStore
from sync_platform.api.router import api_router
from sync_platform.api_client import ApiClient
from sync_platform.cli.runner.daemon import waiting_runs
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.role import Role
from sync_platform.settings import load_settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it will want another HTTP library in its next major version
    from starlette.testclient import TestClient

ROLE, SCOPE = "x-role", "x-scope"


@dataclass
class Served:
    """The API of a home. `denials`: what was refused, as the server would write it into the audit log.

    `starts_jobs`: whether jobs get processes; `started`: the ids of those that were to start.
    """

    home: Path
    denials: list[tuple[str, str, str]] = field(default_factory=list)
    starts_jobs: bool = True
    started: list[str] = field(default_factory=list)

    @cached_property
    def context(self) -> ApiContext:
        settings = load_settings(sync_home=self.home)
        return ApiContext(
            settings,
            waiting_runs=lambda: waiting_runs(settings),
            note_denial=self._note_denial,
            start_job=self._start_job,
            health_age_s=0.0,
        )

    @cached_property
    def app(self) -> FastAPI:
        """The routes behind a middleware that takes a request's roles from a header."""
        app = FastAPI()

        @app.middleware("http")
        async def set_actor(request: Request, following: Callable[[Request], Awaitable[Response]]) -> Response:
            roles = request.headers.get(ROLE, "")
            if roles:
                scope = request.headers.get(SCOPE)
                narrowed = frozenset(scope.split()) if scope else None
                granted = frozenset(Role(each) for each in roles.split())
                request.state.actor = Actor(f"a {roles}", granted, "10.0.0.7", narrowed)
            return await following(request)

        app.include_router(api_router(self.context))
        return app

    def http(self, roles: str = "admin", scope: str = "") -> TestClient:
        """A plain HTTP client of somebody with these roles; nobody without any."""
        headers = {name: value for name, value in ((ROLE, roles), (SCOPE, scope)) if value}
        return TestClient(self.app, base_url="http://testserver/api/production-sync", headers=headers)

    def client(self, roles: str = "admin") -> ApiClient:
        """The product's own client of somebody with these roles."""
        return ApiClient("", http=TestClient(self.app, headers={ROLE: roles}))

    def _start_job(self, job: ApiJob) -> None:
        self.started.append(job.job_id)
        if self.starts_jobs:
            self.job_processes.start(job)

    @cached_property
    def job_processes(self) -> JobProcesses:
        settings = load_settings(sync_home=self.home)
        return JobProcesses(settings, JobStore(settings.ledger_url))

    def _note_denial(self, actor: Actor, action: Action, resource: str) -> None:
        self.denials.append((actor.name, action.value, resource))
