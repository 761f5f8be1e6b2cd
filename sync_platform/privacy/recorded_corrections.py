"""The corrections and restrictions of the register, as the lake applies them.

What belongs here: reading them for a commit, recording that the source shows a right value, and bringing the lake in
line after a change of the register or a restore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sync_platform.lake.corrected_values import Corrections, ValueCorrection
from sync_platform.lake.history_view import ensure_history_view
from sync_platform.lake.restricted_records import restrict_records
from sync_platform.lake.row_correction import correct_rows
from sync_platform.lake.row_replacement import stored_tables
from sync_platform.lake.schema import schemas_present
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.privacy.correction_events import correcting_requests, record_passed_on
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.request_register import RequestRegister, opened_register
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.relational import database_exists
from sync_platform.storage.utc_time import utc_now
from sync_platform.unified.related_records import ensure_views
from sync_platform.unified.tables import SCHEMA

SOURCE = "sync"
"""Who records that the source shows the right value."""


def corrections_at(ledger: str, clock: Callable[[], datetime] = utc_now) -> Corrections:
    """The corrections of the register in the ledger at a SQLAlchemy URL. No ledger is created."""

    def read(platform: str, dataset: str) -> Sequence[ValueCorrection]:
        if not database_exists(ledger):
            return ()
        with opened_register(ledger, clock) as register:
            corrections = applied_corrections(correcting_requests(register))
        return [each for each in corrections if (each.platform, each.dataset) == (platform, dataset)]

    def pass_on(correction: ValueCorrection) -> None:
        with opened_register(ledger, clock) as register:
            record_passed_on(register, correction, actor=SOURCE)

    return Corrections(read, pass_on)


def applied_corrections(requests: Iterable[PrivacyRequest]) -> list[ValueCorrection]:
    """The corrections that apply; of several of one value, the newest."""
    newest: dict[tuple[str, str, str, str], ValueCorrection] = {}
    for request in requests:
        for correction in request.applied_corrections:
            newest[correction.platform, correction.dataset, correction.source_id, correction.column] = correction
    return sorted(newest.values(), key=lambda correction: correction.number)


def apply_requests(lake: Lake, history: str, platforms: Mapping[str, Platform], ledger: str, run_id: str) -> None:
    """Bring a lake, if it exists, in line with the register of a ledger, if that exists. A repeat changes nothing."""
    if lake.address.exists and database_exists(ledger):
        with opened_register(ledger) as register:
            if register.has_any_applied():
                apply_register(lake, history, platforms, register, run_id)


def apply_register(
    lake: Lake, history: str, platforms: Mapping[str, Platform], register: RequestRegister, run_id: str
) -> int:
    """Apply what the register says to the lake; how many rows have another value now. A repeat changes nothing."""
    requests = register.requests()
    applied = applied_corrections(requests)
    taken = {(each.platform, each.dataset, each.source_id, each.column) for each in applied}
    ended = [
        each
        for request in requests
        for each in request.lifted_corrections
        if (each.platform, each.dataset, each.source_id, each.column) not in taken
    ]
    rows = correct_rows(lake, history, platforms, applied, ended, run_id)
    restricted = {subject for each in requests if each.is_restricting for subject in each.subjects}
    if restrict_records(lake, platforms, restricted, run_id) or applied:
        _renew_views(lake, history, platforms)
    return rows


def _renew_views(lake: Lake, history: str, platforms: Mapping[str, Platform]) -> None:
    """The views leave out restricted records, and name corrected columns, once the lake has a list of them."""
    with lake.session() as session:

        def renew() -> None:
            for platform, dataset in list(stored_tables(session, platforms)):
                if dataset.personal is not None:
                    ensure_history_view(session, history, dataset_table(platform.name, dataset))
            if SCHEMA in schemas_present(session):
                ensure_views(session, platforms)

        in_one_transaction(lake, session, renew)
