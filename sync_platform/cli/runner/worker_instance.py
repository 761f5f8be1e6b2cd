"""The instance of Dagster whose runs the workers get."""

from __future__ import annotations

from sync_platform.cli.runner.instance import opened_instance
from sync_platform.errors import SettingsError
from sync_platform.settings import Settings


def require_workers(settings: Settings) -> None:
    """Raise SettingsError where a worker cannot work: the extra `fleet` or RUN_BROKER is missing, or another launcher
    is configured. Raises StorageError where Dagster's records cannot be used.
    """
    try:
        from sync_platform.defs.worker_launcher import require_run_broker
        from sync_platform.server.dagster_ui.run_worker import require_worker_launcher
    except ImportError as error:
        raise SettingsError(f"a worker needs the extra `fleet` (pip install 'sync-platform[fleet]'): {error}") from None
    require_run_broker(settings)
    with opened_instance(settings) as instance:
        require_worker_launcher(instance)
