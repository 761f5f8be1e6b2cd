"""The commands of monitoring, and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson, OnePlatform


def freshness(platform: OnePlatform = None, as_json: AsJson = False) -> None:
    """Show how old the data of each dataset is, from 0 (new) to 1 (twice the cadence since a complete full sync).

    Exit code: 0 if every platform was synced in time, 1 if a full sync is late.
    """
    from sync_platform.cli.monitoring.freshness import show_freshness

    raise typer.Exit(show_freshness(platform, as_json=as_json))


def health(as_json: AsJson = False) -> None:
    """Show the health score (0 to 100), why points are lost, a command that shows more of each, and what is not known.

    Exit code: 0 if the installation is healthy, 1 if it is degraded, 2 if it is unhealthy.
    """
    from sync_platform.cli.monitoring.health import show_health

    raise typer.Exit(show_health(as_json=as_json))


def watch(
    every: Annotated[int, typer.Option(help="Seconds between the beginnings of two rounds.")] = 60,
    once: Annotated[bool, typer.Option("--once", help="Make one round and end, as for cron.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look for problems in rounds, keep alerts of them, and send messages. It needs no process of Dagster.

    It runs until Ctrl-C or SIGTERM, and writes one line for each problem that begins or ends. Exit code of --once: 0 if
    nothing is wrong (or another watcher makes the rounds), 1 if there are problems, 2 if the round is incomplete.
    """
    from sync_platform.cli.monitoring.watch import watch as make_rounds

    raise typer.Exit(make_rounds(every, is_once=once, as_json=as_json))


def anomalies(platform: OnePlatform = None, as_json: AsJson = False) -> None:
    """Show what is unusual in the newest syncs: volume, duration, errors, empty columns and score, against their past.

    With a platform, all its series are shown, with their history in small. Exit code: 0 without an anomaly, else 1.
    """
    from sync_platform.cli.monitoring.anomalies import show_anomalies

    raise typer.Exit(show_anomalies(platform, as_json=as_json))
