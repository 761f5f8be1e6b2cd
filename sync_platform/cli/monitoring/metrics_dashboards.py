"""`sync-platform metrics dashboards`: dashboards, alarms and rules as files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, json_of, write_json
from sync_platform.errors import StorageError
from sync_platform.monitoring.cloudwatch_dashboard import cloudwatch_alarms, cloudwatch_dashboard, dashboard_name
from sync_platform.monitoring.grafana_dashboard import grafana_dashboard
from sync_platform.monitoring.prometheus_rules import prometheus_rules
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.full_disk import reason_of


def write_dashboards(out: Path, *, as_json: bool) -> int:
    """Write every file below a folder; 0. StorageError where one cannot be written."""
    settings = load_settings()
    written = []
    for path, content in _files(settings):
        file = out / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        except OSError as error:
            raise StorageError(f"{file} cannot be written: {reason_of(error)}") from None
        written.append(str(file))
    if as_json:
        write_json({"files": written})
    else:
        for name in written:
            console().print(name, soft_wrap=True)
    return OK


def _files(settings: Settings) -> Iterator[tuple[Path, str]]:
    """The path of each file in the folder, and its content."""
    platforms, name = sorted(load_platforms(settings.platform_path)), dashboard_name(settings)
    yield Path("cloudwatch", f"{name}.json"), json_of(cloudwatch_dashboard(settings, platforms)) + "\n"
    for alarm in cloudwatch_alarms(settings, platforms):
        yield Path("cloudwatch", "alarms", f"{alarm['AlarmName']}.json"), json_of(alarm) + "\n"
    yield Path("grafana", f"{name}.json"), json_of(grafana_dashboard(settings.environment)) + "\n"
    yield Path("prometheus", "sync_platform.rules.yml"), prometheus_rules(settings.environment)
