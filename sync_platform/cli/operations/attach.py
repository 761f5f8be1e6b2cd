"""`sync-platform attach`: the SQL with which other programs read the lake."""

from __future__ import annotations

import duckdb

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import opened
from sync_platform.cli.preconditions import require_lake
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.settings import load_settings, without_password
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.reading_statements import reading_statements

FOR_BUCKET = "-- before: CREATE SECRET (TYPE s3, KEY_ID '...', SECRET '...', REGION '{region}')"
FOR_CATALOG = "-- before: put the catalog's password in place of ***, or in PGPASSWORD"
FOR_RESTRICTED = "-- persons restricted the use of their records: leave out those of privacy.restricted_records"


def write_statements(out: str) -> int:
    """Write the statements to a file; 0. StorageError where there is no lake. No password is written."""
    settings = load_settings()
    require_lake(settings)
    address = LakeAddress.of(settings)
    lines = [f"-- reads {address}, with DuckDB {duckdb.__version__}"]
    statements = reading_statements(address)
    statements_to_show = [without_password(statement) for statement in statements]
    lines += [FOR_BUCKET.format(region=address.region)] if address.is_remote else []
    lines += [FOR_CATALOG] if statements_to_show != statements else []
    lines += [FOR_RESTRICTED] if restricted_subjects(settings.ledger_url) else []
    with opened(out) as file:
        file.write("\n".join([*lines, *(f"{each};" for each in statements_to_show)]) + "\n")
    return OK
