"""OpenLineage events: every run begins and ends, in the shape that the specification (2-0-2) prescribes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AnyUrl, AwareDatetime, BaseModel, ConfigDict, Field, UrlConstraints

from sync_platform.cli.lineage.openlineage import export_runs
from sync_platform.errors import ConnectionFailed, PermanentError, Refused, ServerFailed, SyncError
from sync_platform.lineage.change_export import ExportScope
from sync_platform.lineage.openlineage_events import DatasetNamespaces, Event, events
from sync_platform.sources.gaps import Gaps
from sync_platform_tests.lake.harness import LakeHarness

from .reader import history_of

Uri = Annotated[AnyUrl, UrlConstraints(preserve_empty_path=True)]


class Shape(BaseModel):
    """An object of the specification; it has no other fields."""

    model_config = ConfigDict(extra="forbid")


class Facet(BaseModel):
    """A facet; the schema that it refers to names its own fields."""

    model_config = ConfigDict(extra="allow")
    producer: Uri = Field(alias="_producer")
    schema_url: str = Field(
        alias="_schemaURL", pattern=r"^https://openlineage\.io/spec/facets/1-0-0/(\w+)\.json#/\$defs/\w+$"
    )


class NamedDataset(Shape):
    namespace: str
    name: str
    facets: dict[str, Facet] = {}


class Output(NamedDataset):
    outputFacets: dict[str, Facet] = {}


class Job(Shape):
    namespace: str
    name: str


class Run(Shape):
    runId: UUID
    facets: dict[str, Facet] = {}


class RunEvent(Shape):
    eventType: Literal["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]
    eventTime: AwareDatetime
    run: Run
    job: Job
    inputs: list[NamedDataset]
    outputs: list[Output]
    producer: Uri
    schemaURL: Literal["https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"]


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path)
    harness.sync([{"id": 1, "name": "Soup"}, {"id": 2, "name": "Rice"}], 0)
    harness.sync([{"id": 1, "name": "Hot soup"}], 1, gaps=Gaps(claimed=9, pages_expected=1))
    yield harness
    harness.lake.close()


def read_events(harness: LakeHarness, span: ExportScope | None = None) -> list[Event]:
    with history_of(harness) as history:
        places = DatasetNamespaces("file:///landing", "ducklake:/lake")
        return list(events(history.session, {"diner": harness.platform}, places, span or ExportScope()))


def test_every_event_has_the_shape_that_is_prescribed(harness: LakeHarness) -> None:
    for event in read_events(harness):
        RunEvent.model_validate_json(json.dumps(event))


def test_every_run_begins_and_ends_under_one_id(harness: LakeHarness) -> None:
    events = read_events(harness)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 2
    ids = [event["run"]["runId"] for event in events]
    assert ids[0] == ids[1] != ids[2] == ids[3]
    assert [event["run"]["runId"] for event in read_events(harness)] == ids, "a repeated export has the same run ids"


def test_the_events_of_a_run_have_its_period_its_outputs_and_its_problems(harness: LakeHarness) -> None:
    first, last = read_events(harness)[1], read_events(harness)[3]
    landed, table = first["outputs"]
    assert (landed["namespace"], landed["name"]) == ("file:///landing", "landing/diner/dishes")
    assert table["outputFacets"]["outputStatistics"]["rowCount"] == 2
    assert {"source_id", "name", "price_hkd"} <= {field["name"] for field in table["facets"]["schema"]["fields"]}
    assert first["run"]["facets"]["nominalTime"]["nominalStartTime"] == "2026-11-01T00:00:00+08:00"
    assert "errorMessage" not in first["run"]["facets"]
    assert "the source claims 9 records, 1 came" in last["run"]["facets"]["errorMessage"]["message"]


def test_a_span_has_the_runs_committed_in_it(harness: LakeHarness) -> None:
    with harness.lake.session() as session:
        ((first,),) = session.execute("SELECT min(committed_at) FROM sync.runs").fetchall()
    assert len(read_events(harness, ExportScope(last=first))) == 2
    assert read_events(harness, ExportScope(platform="tea")) == []
    assert len(read_events(harness, ExportScope(platform="diner"))) == 4


@contextmanager
def endpoint(status: int, taken: list[Any]) -> Iterator[str]:
    """An endpoint on loopback that answers all events with `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/lineage"
    finally:
        server.shutdown()
        server.server_close()


def test_events_are_posted_one_by_one(harness: LakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_HOME", str(harness.folder))
    taken: list[Any] = []
    with endpoint(201, taken) as url:
        assert export_runs(None, None, None, url) == 0
    assert [event["eventType"] for event in taken] == ["START", "COMPLETE"] * 2


@pytest.mark.parametrize(("status", "error"), [(503, ServerFailed), (422, Refused)])
def test_an_endpoint_that_refuses_events_is_an_error(
    harness: LakeHarness, monkeypatch: pytest.MonkeyPatch, status: int, error: type[SyncError]
) -> None:
    monkeypatch.setenv("SYNC_HOME", str(harness.folder))
    taken: list[Any] = []
    with endpoint(status, taken) as url, pytest.raises(error, match=f"HTTP {status}"):
        export_runs(None, None, None, url)
    assert len(taken) == 1
    assert issubclass(error, PermanentError) == (status < 500)


def test_an_unreachable_endpoint_is_an_error(harness: LakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNC_HOME", str(harness.folder))
    with endpoint(200, []) as url:
        pass
    with pytest.raises(ConnectionFailed, match="does not take events"):
        export_runs(None, None, None, url)
