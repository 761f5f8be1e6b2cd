"""`query --unseal`: the rows of a query with personal values in clear, for analysis.

It takes a role of its own and a reason, is on record before anything is shown, and shows at most 1,000 rows. Values
are not written to files.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import orjson
import pyarrow as pa

from sync_platform.cli.audited import audited
from sync_platform.cli.output import report_problem
from sync_platform.errors import UsageError
from sync_platform.landing.personal_words import has_contact
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import command_line_actor
from sync_platform.permissions.decision import require_allowed
from sync_platform.platforms import load_platforms
from sync_platform.privacy.request_register import restricted_subjects
from sync_platform.privacy.searched_installation import contexts_of
from sync_platform.settings import Settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.vault.unsealing import Unsealer, subjects_in
from sync_platform.vault.vault_address import VaultAddress

MAX_ROWS = 1_000


@dataclass(frozen=True)
class UnsealedRows:
    """What an operator asks for, with the reason."""

    reason: str

    @classmethod
    def asked(cls, reason: str, out: str, form: str) -> UnsealedRows:
        """UsageError without a reason, with one that names a person, and for a file."""
        if not reason.strip():
            raise UsageError("--unseal needs --reason: why the values are unsealed is on record")
        if has_contact(reason):
            raise UsageError("--reason has an e-mail address or a phone number in it: the audit log is not sealed")
        if out != "-" or form == "parquet":
            raise UsageError("--unseal writes to standard output, in the format table, csv or json: no file in clear")
        return cls(reason.strip())

    def of(
        self,
        settings: Settings,
        session: duckdb.DuckDBPyConnection,
        relation: duckdb.DuckDBPyRelation,
        tables: list[str],
    ) -> duckdb.DuckDBPyRelation:
        """The first 1,000 rows, in clear. Forbidden for other roles; no row is read before it is on record."""
        require_allowed(command_line_actor(settings), Action.unseal_for_analysis)
        with audited(settings, OperationName.unseal, {"tables": tables, "reason": self.reason}) as operation:
            rows = relation.limit(MAX_ROWS + 1).to_arrow_table()
            first_rows = rows.slice(0, MAX_ROWS)
            persons = {each for column in first_rows.columns for each in subjects_in(column.to_pylist())}
            platforms = load_platforms(settings.platform_path).values()
            contexts = [
                name
                for platform in platforms
                for dataset in platform.datasets
                for name in contexts_of(platform, dataset)
            ]
            restricted = persons & restricted_subjects(settings.ledger_url)
            unsealing = Unsealer(VaultAddress.of(settings).open().ciphers(persons - restricted), contexts)
            columns = [_clear(column, unsealing) for column in first_rows.columns]
            unsealed_persons = len(persons - restricted)
            operation.ended("complete", rows=len(first_rows), data_subjects=unsealed_persons, values=unsealing.unsealed)
        if restricted:
            report_problem(f"the values of {len(restricted):,} persons stay sealed: they restricted their use")
        if len(rows) > MAX_ROWS:
            report_problem(f"--unseal shows the first {MAX_ROWS:,} rows only")
        session.register("unsealed_rows", pa.table(columns, names=first_rows.column_names))
        return session.table("unsealed_rows")


def _clear(column: pa.ChunkedArray, unsealing: Unsealer) -> pa.ChunkedArray | pa.Array:
    """The column in clear, as texts; one without a sealed value stays as it is."""
    values = column.to_pylist()
    if not subjects_in(values):
        return column
    clear = [unsealing.value(value) for value in values]
    texts = [each if each is None or isinstance(each, str) else orjson.dumps(each).decode() for each in clear]
    return pa.array(texts, pa.string())
