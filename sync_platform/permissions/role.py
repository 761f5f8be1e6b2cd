"""The roles of people and machines. Stored users and tokens have these values, so a value never changes."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """An actor may have several roles; it may do what one of them allows."""

    viewer = "viewer"
    """Reads the data, its lineage and quality, and the state of syncs and alerts."""
    operator = "operator"
    """Reads logs too; runs syncs, emergency syncs and backups; acknowledges alerts."""
    compliance = "compliance"
    """Reads the audit log and logs too; works on the requests of persons about their data."""
    admin = "admin"
    """May do everything."""
    unsealer = "unsealer"
    """Reads personal values in clear, for analysis; it allows nothing else."""
