"""`sync-platform metrics history`: the history of one metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.monitoring.metrics_show import number
from sync_platform.cli.output import console, write_json
from sync_platform.cli.preconditions import require_dataset
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.errors import UsageError
from sync_platform.lineage.moment import parse_beginning, require_begun
from sync_platform.monitoring.metric import BY_NAME, Metric
from sync_platform.monitoring.metric_history import HistoryRow, MetricHistory
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.relational import database_exists

USUAL_SPAN = timedelta(days=30)
ROWS_SHOWN = 200


def show_history(name: str, platform: str | None, dataset: str | None, since: str | None, *, as_json: bool) -> int:
    """Show the history; 0. UsageError for an unknown metric, platform or dataset."""
    settings = load_settings()
    metric = _metric(name)
    if dataset and not platform:
        raise UsageError("--dataset needs --platform: which platform's dataset it is")
    if platform:
        require_dataset(load_platforms(settings.platform_path), platform, dataset)
    now = datetime.now(UTC)
    begin = parse_beginning(since, "--since") if since is not None else now - USUAL_SPAN
    require_begun(begin, since or "", "--since", now)
    rows: list[HistoryRow] = []
    if database_exists(settings.ledger_url):
        history = MetricHistory(settings.ledger_url)
        rows = history.rows(metric.name, begin, platform, dataset)
        history.close()
    if as_json:
        environment = settings.environment
        write_json({"name": metric.name, "environment": environment, "since": begin, "rows": [*map(asdict, rows)]})
    else:
        _show(metric, rows, begin)
    return OK


def _metric(name: str) -> Metric:
    metric = {known.lower(): metric for known, metric in BY_NAME.items()}.get(name.lower())
    if metric is None:
        raise UsageError(f"there is no metric {name!r}; there are {', '.join(BY_NAME)}")
    return metric


def _show(metric: Metric, rows: Sequence[HistoryRow], since: datetime) -> None:
    terminal = console()
    if not rows:
        terminal.print(
            f"{metric.name}: nothing is on record since {local_minute(since)}; rounds write it: "
            f"{typed('watch', '--once')}",
            soft_wrap=True,
        )
        return
    table = FittedTable(
        ("time", "of", "value", "minimum", "maximum", "event"),
        numbers=("value", "minimum", "maximum"),
        unbroken=("time",),
        optional=("event", "minimum", "maximum"),
    )
    for row in rows[-ROWS_SHOWN:]:
        of = ".".join(filter(None, (row.platform, row.dataset, row.severity)))
        values = (row.value, row.minimum, row.maximum)
        table.add_row(local_minute(row.at), of, *map(number, values), row.event)
    terminal.print_table(table)
    if len(rows) > ROWS_SHOWN:
        terminal.print(f"the last {ROWS_SHOWN} of {len(rows):,} rows; --json has all", soft_wrap=True)
