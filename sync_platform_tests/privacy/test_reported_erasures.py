"""The compliance report names the erasures of its span, with their proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync_platform.compliance.erasures_of_span import erasures_of
from sync_platform.compliance.span import Span
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import ErasureEventKind

MONTH = Span(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, tzinfo=UTC))


def test_the_erasures_that_were_open_in_the_span_are_reported_with_their_proof(tmp_path: Path) -> None:
    now = datetime(2026, 10, 1, tzinfo=UTC)
    ledger = ErasureLedger(f"sqlite:///{tmp_path / 'ledger.sqlite'}", lambda: now)
    for _ in range(3):
        ledger.begin("maria", {"subjects": ["s"], "reason": "letter", "selected_by": "email"})
    ledger.append(1, ErasureEventKind.withdrawn, "maria", {"reason": "letter 8"})
    ledger.append(2, ErasureEventKind.confirmed, "maria", {"alone": True})
    now += timedelta(days=40)
    proof = {"at": now.isoformat(), "places": [{"place": "vault", "state": "erased", "found": {}, "note": ""}]}
    event = ledger.append(2, ErasureEventKind.complete, "erasures_schedule", {"proof": proof})
    now += timedelta(days=40)
    ledger.begin("maria", {"subjects": ["s"], "reason": "letter", "selected_by": "email"})
    done, waiting = erasures_of(ledger, MONTH)
    assert (done.number, done.state, done.confirmed_by, done.confirmed_alone) == (2, "complete", "maria", True)
    assert (done.places, done.proof) == (1, event.link)
    assert (waiting.number, waiting.state, waiting.proof) == (3, "requested", None)
