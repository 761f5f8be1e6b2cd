"""The health of an installation now, for every interface that shows it, and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sync_platform.monitoring.health import Health, Loss, installation_weight
from sync_platform.monitoring.installation_health import installation_health
from sync_platform.monitoring.installation_state import InstallationState
from sync_platform.monitoring.platform_health import platform_health
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.platforms import platforms_in_use
from sync_platform.quality.score import Standards
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform

Typed = Callable[..., str]
"""Writes the words of a command as they must be typed here."""


def health_of(settings: Settings, platforms: Mapping[str, Platform], state: InstallationState, now: datetime) -> Health:
    """The health of the platforms in use and of the installation."""
    weights, in_use = Standards.of(settings).weights, platforms_in_use(platforms, settings).values()
    subjects = [platform_health(platform, stored_datasets(platform), state, weights, now) for platform in in_use]
    return Health(subjects, installation_health(state, installation_weight(subjects), now))


def health_json(health: Health, now: datetime, environment: str, typed: Typed) -> dict[str, Any]:
    """The health as a document."""
    return {
        "state": health.state,
        "score": health.score,
        "confidence": health.confidence,
        "made_at": now,
        "environment": environment,
        "installation": health.installation.document(),
        "platforms": [{"platform": subject.name, **subject.document()} for subject in health.platforms],
        "losses": _listed(health.losses, typed),
        "unknown": _listed(health.unknowns, typed),
    }


def _listed(losses: Sequence[Loss], typed: Typed) -> list[dict[str, Any]]:
    return [
        {
            "subject": loss.subject,
            "part": loss.part,
            "points": round(loss.points, 2),
            "reason": loss.deficit.reason,
            "command": typed(*loss.deficit.command),
        }
        for loss in losses
    ]
