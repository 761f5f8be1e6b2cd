"""The stores of the API: what a server that stops does to those that no request has used."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_platform.api.job_store import JobStore
from sync_platform.emergency.request_store import RequestStore


@pytest.mark.parametrize("store", [JobStore, RequestStore])
def test_a_store_that_was_not_used_is_closed_without_its_ledger(
    store: type[JobStore | RequestStore], tmp_path: Path
) -> None:
    """The ledger may be gone, or a newer version may have migrated it."""
    store(f"sqlite:///{tmp_path / 'ledger.db'}").close()
    assert not (tmp_path / "ledger.db").exists()
