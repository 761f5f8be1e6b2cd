"""docs/api.md names every route with its permission, and its examples work as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync_platform.api.openapi import openapi_document
from sync_platform.permissions.action import Action
from sync_platform_tests.api.served import Served
from sync_platform_tests.cli.backed_up_home import backed_up_home

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
PREFIX = "/api/production-sync"


def test_every_route_is_listed_with_a_permission_that_there_is() -> None:
    rows = re.findall(r"^\| `((?:GET|POST) /\S+)` \| (.+?) \|", PAGE, re.MULTILINE)
    routes = {
        f"{method.upper()} {path.removeprefix(PREFIX)}"
        for path, methods in openapi_document()["paths"].items()
        for method in methods
    }
    assert {route for route, _ in rows} == routes
    named = {name for _, permissions in rows for name in re.findall(r"`(\S+?)`", permissions)}
    assert named <= {action.value for action in Action}


def _examples() -> Iterator[tuple[str, str, str, int]]:
    """Method, path, body and status of each example."""
    for example in PAGE.split("```http\n")[1].split("```")[0].strip().split("\n\n"):
        first, *body, status = example.splitlines()
        method, _, path = first.partition(" ")
        yield method, path, "\n".join(body), int(status)


def test_every_example_works_as_it_is_written(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    served = Served(backed_up_home(tmp_path / "home", tmp_path_factory).home)
    served.starts_jobs = False
    http = served.http()
    (backup,) = http.get("/backup").json()["data"]["items"]
    examples = list(_examples())
    assert len(examples) > 10
    for method, path, body, status in examples:
        content = body.replace("BACKUP", backup["backupId"])
        answer = http.request(method, path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (method, path, answer.text)
