"""`sync-platform lineage openlineage`: runs and datasets as OpenLineage events, to a file or to an HTTP endpoint."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import httpx
import orjson

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.lineage.export import scope_of
from sync_platform.cli.lineage.story import history_of
from sync_platform.cli.output import opened
from sync_platform.documents.wording import counted
from sync_platform.errors import ConnectionFailed, Refused, ServerFailed
from sync_platform.lineage.openlineage_events import DatasetNamespaces, Event, events
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.environment_proxy import named_proxy
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.tables import COMPUTED_SCHEMAS

TIMEOUT_S = 30.0


def export_runs(first: str | None, last: str | None, platform: str | None, out: str) -> int:
    """Write the events as JSON Lines, or post them one by one; 0. UsageError as for `lineage export`;
    ConnectionFailed, ServerFailed or Refused where the endpoint does not accept them."""
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    if platform not in (None, *COMPUTED_SCHEMAS):
        choose(platforms, [platform])
    scope = scope_of(first, last, platform, datetime.now(UTC))
    namespaces = DatasetNamespaces(settings.landing_url, f"ducklake:{settings.lake_data_url}")
    subject = {"what": "openlineage", "from": first, "to": last, "platform": platform}
    with audited(settings, OperationName.export, subject) as operation, history_of(settings, platforms) as history:
        run_events = events(history.session, platforms, namespaces, scope)
        count = _post(run_events, out) if out.startswith(("http://", "https://")) else _write(run_events, out)
        operation.ended("complete", events=count)
    sys.stderr.write(f"{counted(count, 'event')}\n")
    return OK


def _write(run_events: Iterable[Event], out: str) -> int:
    count = 0
    with opened(out) as file:
        for event in run_events:
            file.write(orjson.dumps(event).decode() + "\n")
            count += 1
    return count


def _post(run_events: Iterator[Event], url: str) -> int:
    count = 0
    with httpx.Client(timeout=TIMEOUT_S) as client:
        for event in run_events:
            try:
                reply = client.post(url, content=orjson.dumps(event), headers={"Content-Type": "application/json"})
            except httpx.HTTPError as error:
                raise ConnectionFailed(
                    f"{url}{named_proxy(url)} does not take events: {error} (after {count:,})"
                ) from None
            if not reply.is_success:
                kind = ServerFailed if reply.status_code >= 500 else Refused
                raise kind(f"{url} answers HTTP {reply.status_code} to an event (after {count:,})")
            count += 1
    return count
