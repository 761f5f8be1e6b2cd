"""`sync-platform metrics …`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.default_command import DefaultCommandGroup
from sync_platform.cli.options import AsJson, OnePlatform

metrics_commands = typer.Typer(
    cls=DefaultCommandGroup, help="Show the metrics and their history, and write dashboards and alarms of them."
)


@metrics_commands.command("show", hidden=True)
def metrics(
    platform: OnePlatform = None,
    as_prometheus: Annotated[
        bool, typer.Option("--prometheus", help="Write them in Prometheus' text format, and nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the present values of all metrics: totals since ever, the newest sync's duration, and what is measured now.

    The history of one metric: `metrics history`. Dashboards and alarms: `metrics dashboards`.
    """
    from sync_platform.cli.monitoring.metrics_show import show_metrics

    raise typer.Exit(show_metrics(platform, as_prometheus=as_prometheus, as_json=as_json))


@metrics_commands.command("history")
def metrics_history(
    name: Annotated[str, typer.Argument(help="The metric, such as DataStaleness; `metrics` lists all.")],
    platform: Annotated[str | None, typer.Option("--platform", help="Only this platform.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Only this dataset.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP", help="Begin with this day in Hong Kong, or this moment; 30 days ago if not given."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the history of one metric, of at most 15 months: each sync or backup, or each hour of what is measured.

    Rounds of `watch` write it. The same in SQL: `query "FROM monitoring.metrics"`.
    """
    from sync_platform.cli.monitoring.metrics_history import show_history

    raise typer.Exit(show_history(name, platform, dataset, since, as_json=as_json))


@metrics_commands.command("dashboards")
def metrics_dashboards(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to; it is made if it does not exist.")],
    as_json: AsJson = False,
) -> None:
    """Write the dashboards and alarms of CloudWatch, the dashboard of Grafana and the rules of Prometheus, as files.

    docs/metrics.md has the commands that load them.
    """
    from sync_platform.cli.monitoring.metrics_dashboards import write_dashboards

    raise typer.Exit(write_dashboards(out, as_json=as_json))
