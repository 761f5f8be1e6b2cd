"""The pages of a home that has been synced and unified, as the server writes them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sync_platform.api.last_backup import LastBackupReader
from sync_platform.defs.resources import landing_store_of
from sync_platform.lineage.opened_history import opened_history
from sync_platform.lineage.restaurant_report import read_story_with_counts
from sync_platform.monitoring.alert_store import AlertStore, open_alerts
from sync_platform.monitoring.installation_state import read_state
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.platforms import load_platforms
from sync_platform.server.pages.health_data import HealthPageData, health_page_data
from sync_platform.server.pages.restaurant_page import restaurant_page
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

OVERDUE = Problem(
    ProblemName.backup_overdue, "", "A commit is in no <backup>.", "It may be lost.", "Back up.", ("backup", "list")
)


def settings_of(home: Path) -> Settings:
    return Settings(_env_file=None, sync_home=home)


def page_data(home: Path, now: datetime | None = None) -> HealthPageData:
    """What the health page of a home shows; one alert is open."""
    settings, platforms, at = settings_of(home), load_platforms(), now or datetime.now(UTC)
    AlertStore(settings.ledger_url, ["log"]).round([OVERDUE], set(ProblemName))
    state = read_state(settings, list, lambda own: open_alerts(own.ledger_url), at)
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        return health_page_data(settings, platforms, state, lake, LastBackupReader(settings).read(state.backups), at)


def page_of_restaurant(home: Path, name: str) -> str:
    """The page of the restaurant with this English name."""
    settings, platforms = settings_of(home), load_platforms()
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        with lake.session() as session:
            rows = session.execute(
                "SELECT restaurant_id FROM lake.unified.restaurants WHERE name_en = ?", [name]
            ).fetchall()
        landing = landing_store_of(settings).open()
        with opened_history(lake, settings.lineage_table_name, platforms, landing) as history:
            return restaurant_page(*read_story_with_counts(history, platforms, rows[0][0]), nonce="n")
