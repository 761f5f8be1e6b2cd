"""What an erasure reaches: an installation as the work on an erasure sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.backup.subject_erasure import SubjectErasure
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_places import ErasurePlaces
from sync_platform.privacy.legal_holds import LegalHolds
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lease import Leases


@dataclass(frozen=True)
class ErasedInstallation:
    """Everything that an erasure reaches, and its records. `lake`: None where no sync has made one yet."""

    ledger: ErasureLedger
    holds: LegalHolds
    keys: SubjectErasure
    lake: Lake | None
    history: str
    platforms: Mapping[str, Platform]
    places: ErasurePlaces
    requests: RequestRegister
    leases: Leases
