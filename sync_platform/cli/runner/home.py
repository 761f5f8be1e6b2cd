"""The folder of Dagster's state in SYNC_HOME, and the settings of its instance, which every command shares."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

from sync_platform.cli.output import report_problem
from sync_platform.cli.runner.instance_settings import InstanceSettings, names_of
from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError
from sync_platform.storage.full_disk import UNWRITABLE, reason_of

INSTANCE_FILE = "dagster.yaml"
INSTANCE_YAML = """\
# Dagster's instance settings; the same as dagster.yaml at the root of the repository, except for where state is stored.
telemetry:
  enabled: false
nux:
  enabled: false # no invitation to a newsletter on the first page
python_logs:
  managed_python_loggers: [sync_platform] # what the program logs in a step is in the log of its run too
concurrency:
  pools:
    default_limit: 1 # one run at a time per platform, so that no platform is fetched twice at once
    granularity: run # a queued run waits in the queue, and uses no slot of another platform
run_queue: # while the code server cannot be reached, a run goes back into the queue
  max_user_code_failure_retries: 10000
  user_code_failure_retry_delay: 5
run_monitoring:
  enabled: true
  free_slots_after_run_end_seconds: 60
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false # the class of a platform's error decides if it is retried
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days: 30
"""


def prepare_home(sync_home: Path) -> Path:
    """The folder for Dagster's state, created on first use; StorageError where it cannot be written.

    A `dagster.yaml` of an earlier version is replaced. What one that a person changed lacks is reported once.
    """
    home = sync_home / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True)
        # always written, which shows that the folder is writable; under a unique name, because workers start at once
        config = home / INSTANCE_FILE
        written = home / f".{config.name}.{secrets.token_hex(4)}"
        written.write_text(INSTANCE_YAML)
        found = stored_settings(home)
        if found is None or found.is_replaced:
            written.replace(config)
            return home
        written.unlink()
        if found.version is None:
            _report_missing(home, found)
    except OSError as error:
        name = f"SYNC_HOME={str(sync_home)!r} cannot be written"
        if error.errno in UNWRITABLE and home.exists():
            raise StorageError(f"{name}: {home}: {reason_of(error)}") from error
        raise StorageError(f"{name} ({error.strerror or error}): choose another folder") from error
    return home


def stored_settings(home: Path) -> InstanceSettings | None:
    """The `dagster.yaml` of a folder; None where there is none. OSError where it cannot be read."""
    path = home / INSTANCE_FILE
    try:
        return InstanceSettings(path, path.read_text(encoding="utf-8", errors="replace"), INSTANCE_YAML)
    except FileNotFoundError:
        return None


def _report_missing(home: Path, found: InstanceSettings) -> None:
    """Report what a person's `dagster.yaml` lacks: by one process, and again only when it lacks something else."""
    if "DAGSTER_HOME" in os.environ and Path(os.environ["DAGSTER_HOME"]).resolve() != home.resolve():
        return  # this file is not in use
    lines = found.missing_lines
    if not lines:
        return
    digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
    try:
        (home / f".reported-{digest}").touch(exist_ok=False)
    except FileExistsError:
        return
    report_problem(
        f"{found.path} was changed by hand, and lacks settings of this version: "
        f"{', '.join(names_of(found.missing))}. `{typed('migrate', '--check')}` shows the lines to add"
    )
