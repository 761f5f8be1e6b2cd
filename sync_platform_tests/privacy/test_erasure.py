"""An erasure is asked for, confirmed by a second operator, carried out everywhere, and proven."""

from __future__ import annotations

import multiprocessing
import os
import signal
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from sync_platform.errors import StorageError, UsageError
from sync_platform.privacy.erasure import (
    confirm_erasure,
    continue_erasures,
    request_erasure,
    withdraw_erasure,
)
from sync_platform.privacy.erasure_proof import ValueState, read_proof
from sync_platform.privacy.erasure_record import Erasure, ErasureState
from sync_platform.privacy.erasure_subjects import find_subjects, other_subjects
from sync_platform.privacy.held_values import read_held_values
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.storage.folder_store import FolderStore
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform.vault.sealed_values import Record
from sync_platform_tests.lake.guest_book import ADA, BEN, RESERVATIONS
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome


@pytest.fixture
def home(tmp_path: Path) -> ErasableHome:
    return ErasableHome(tmp_path)


def _require_erased(home: ErasableHome, done: Erasure) -> None:
    assert done.state is ErasureState.complete, done.problem
    form = f"sealed:v1:{home.subject(ADA)}:erased"
    assert home.rows()[0] == ("1", form, form, form, form)
    assert done.proof
    states = {each.place: each.state for each in read_proof(done.proof).places}
    assert ValueState.readable not in states.values()
    assert states["vault"] is states["backup of the vault"] is states[f"table {NAME}.reservations"] is ValueState.erased
    assert states["history (lineage.changes)"] is ValueState.unreadable
    assert len([place for place in states if place.startswith(("backup full", "backup incremental"))]) == 1
    with home.opened() as installation:
        assert installation.ledger.breaks() == []
    sealed = home.rows("source_id, name")[1][1]
    assert home.book.vault.unseal(NAME, "name", str(sealed)) == BEN["name"]


def test_nothing_is_destroyed_before_a_second_operator_confirms(home: ErasableHome) -> None:
    before = home.rows()
    with home.opened() as installation:
        asked = home.ask(installation, home.subject(ADA), confirms=False)
        assert continue_erasures(installation, "maria") == []
        with pytest.raises(UsageError, match="a second operator confirms it"):
            confirm_erasure(installation.ledger, asked.number, "maria")
        with pytest.raises(UsageError, match="erasure 1 of the same person is open: it is requested; .* confirm 1"):
            home.ask(installation, home.subject(ADA))
        assert home.rows() == before
        assert home.book.vault.unseal(NAME, "name", str(before[0][1])) == ADA["name"]
        confirmed = confirm_erasure(installation.ledger, asked.number, "kwok")
        assert (confirmed.confirmed_by, confirmed.confirmed_alone) == ("kwok", False)
        with pytest.raises(UsageError, match="it is in progress; `sync-platform privacy erasure continue` goes on"):
            home.ask(installation, home.subject(ADA))
        (done,) = continue_erasures(installation, "kwok")
    _require_erased(home, done)


def test_one_operator_alone_says_so_and_a_withdrawn_erasure_destroys_nothing(home: ErasableHome) -> None:
    with home.opened() as installation:
        alone = confirm_erasure(
            installation.ledger, home.ask(installation, home.subject(ADA), confirms=False).number, "maria", alone=True
        )
        assert alone.confirmed_alone
        with pytest.raises(UsageError, match="it is in progress"):
            home.ask(installation, home.subject(ADA))
        with pytest.raises(UsageError, match="only one that waits can be withdrawn"):
            withdraw_erasure(installation.ledger, alone.number, "maria", "wrong person")
        other = home.ask(installation, home.subject(BEN), confirms=False)
        withdraw_erasure(installation.ledger, other.number, "kwok", "wrong person")
        with pytest.raises(UsageError, match="was withdrawn"):
            confirm_erasure(installation.ledger, other.number, "kwok")
        (done,) = continue_erasures(installation, "maria")
    _require_erased(home, done)


@pytest.mark.parametrize("reason", ["", "  ", "she wrote from ada@guest.hk", "called from +852 9123 4567"])
def test_the_reason_is_given_and_names_nobody(home: ErasableHome, reason: str) -> None:
    with home.opened() as installation, pytest.raises(UsageError, match="reason"):
        request_erasure(installation, ["any"], reason=reason, actor="maria", selected_by="subject")


def test_an_erasure_that_is_killed_at_any_step_goes_on(home: ErasableHome) -> None:
    with home.opened() as installation:
        home.ask(installation, home.subject(ADA))
    killed_at = []
    while (step := _run_until_killed(home, len(killed_at))) is not None:
        killed_at.append(step)
    assert killed_at == [
        "tombstones",
        "tombstones in every store",
        "keys",
        "the backup of the vault",
        "rows",
        "proof",
    ]
    with home.opened() as installation:
        (done,) = installation.ledger.erasures()
        assert continue_erasures(installation, "kwok") == []
    _require_erased(home, done)


def _run_until_killed(home: ErasableHome, at: int) -> str | None:
    """Run erasures in a process that kills itself at the beginning of a step; its name, or None where it ended."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=_killed_at, args=(home, at, theirs))
    child.start()
    theirs.close()
    step = None
    try:
        while True:
            step = ours.recv()
    except EOFError:
        child.join()
    return step if child.exitcode == -signal.SIGKILL else None


def _killed_at(home: ErasableHome, at: int, steps: Connection) -> None:
    left = [at]

    def on_step(step: str) -> None:
        steps.send(step)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    with home.opened() as installation:
        continue_erasures(installation, "kwok", on_step)


def test_a_failed_step_is_no_success_and_the_next_attempt_completes_it(
    home: ErasableHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with home.opened() as installation:
        home.ask(installation, home.subject(ADA))
        with monkeypatch.context() as patch:

            def fail(*_: object) -> None:
                raise StorageError("503 SlowDown")

            patch.setattr(FolderStore, "put_new", fail)
            (failed,) = continue_erasures(installation, "kwok")
        assert failed.state is ErasureState.in_progress
        assert failed.problem == "tombstones in every store: 503 SlowDown"
        assert failed.proof is None
        (done,) = continue_erasures(installation, "kwok")
        assert done.problem is None
    _require_erased(home, done)


def test_a_place_that_still_has_a_key_is_no_success(home: ErasableHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the vault's backup that came back from elsewhere still has the key."""
    (name,) = FolderStore(home.shell.home / "vault_backup_store").keys("vault/")
    copy = (home.shell.home / "vault_backup_store" / name).read_bytes()
    with home.opened() as installation:
        home.ask(installation, home.subject(ADA))

        def put_back(step: str) -> None:
            if step == "proof":
                (home.shell.home / "vault_backup_store" / name).write_bytes(copy)

        (failed,) = continue_erasures(installation, "kwok", put_back)
        assert (
            failed.problem and "backup of the vault still has what can be read: 1 copies with the key" in failed.problem
        )
        (done,) = continue_erasures(installation, "kwok")
    _require_erased(home, done)


def test_another_process_neither_uses_the_destroyed_key_nor_makes_it_anew(home: ErasableHome) -> None:
    ours, theirs = multiprocessing.Pipe()
    other = multiprocessing.get_context("fork").Process(target=_seal_when_asked, args=(home.settings.vault_url, theirs))
    other.start()

    def sealed_there() -> str:
        ours.send(dict(ADA))
        return str(ours.recv()["name"])

    before = sealed_there()
    with home.opened() as installation:
        assert installation.keys.vault.unseal(NAME, "name", before) == ADA["name"]
        home.ask(installation, home.subject(ADA))
        (done,) = continue_erasures(installation, "kwok")
        assert sealed_there() == f"sealed:v1:{home.subject(ADA)}:erased"
        with pytest.raises(StorageError, match="is destroyed"):
            installation.keys.vault.unseal(NAME, "name", before)
    ours.send(None)
    other.join()
    home.sync([ADA, BEN], hour=2)
    _require_erased(home, done)


def _seal_when_asked(vault_url: str, asked: Connection) -> None:
    vault = Vault(open_vault_database(vault_url), MasterKey(bytes(32)))
    assert RESERVATIONS.personal
    while (record := asked.recv()) is not None:
        records: list[Record] = [record]
        vault.seal_records(NAME, RESERVATIONS.personal, records, [""])
        asked.send(records[0])


def test_a_person_is_erased_under_every_name_that_the_platform_has_for_them(home: ErasableHome) -> None:
    """A later record without an e-mail address names the guest by the phone number."""
    with home.opened() as installation:
        vault = installation.keys.vault
        subjects = set(find_subjects(vault, installation.platforms, f"{NAME}:Ada@Guest.HK "))
        assert subjects == {home.subject(ADA)}
        assert installation.lake
        with installation.lake.session() as session:
            subjects |= other_subjects(session, vault, installation.platforms, subjects)
        one_spelling = vault.subject_id(NAME, "phone", "+85291234567")
        assert subjects == {home.subject(ADA), home.subject(ADA, "phone"), one_spelling}
        home.ask(installation, *subjects)
        continue_erasures(installation, "kwok")
        with pytest.raises(UsageError, match="nobody is known as"):
            find_subjects(vault, installation.platforms, f"{NAME}:nobody@guest.hk")
    home.sync([{**ADA, "id": 9, "email": None}, BEN], hour=2)
    assert home.rows("source_id, name, phone")[-1] == (
        "9",
        *[f"sealed:v1:{home.subject(ADA, 'phone')}:erased"] * 2,
    )
    for hour, spelling in enumerate(("9123-4567", "(00852) 91234567"), 3):
        home.sync([{**ADA, "id": 90 + hour, "email": None, "phone": spelling}, BEN], hour=hour)
        assert home.rows("phone")[-1] == (f"sealed:v1:{one_spelling}:erased",)


def test_a_person_is_erased_under_every_spelling_that_is_stored_and_nobody_else_with_the_number(
    home: ErasableHome,
) -> None:
    spellings: list[Record] = [
        {**ADA, "id": number, "email": None, "phone": spelling}
        for number, spelling in enumerate(("9123-4567", "(00852) 91234567", "+85291234567"), 3)
    ]
    wife = {**ADA, "id": 6, "name": "Cat Wong", "email": "cat@guest.hk"}
    home.sync([ADA, BEN, *spellings, wife], hour=2)
    with home.opened() as installation:
        vault = installation.keys.vault
        subjects = set(find_subjects(vault, installation.platforms, f"{NAME}:9123-4567"))
        assert installation.lake
        with installation.lake.session() as session:
            subjects |= other_subjects(session, vault, installation.platforms, subjects)
        assert subjects == {home.subject(each, "phone") for each in spellings}
        home.ask(installation, *subjects)
        continue_erasures(installation, "kwok")
    erased = [str(name).endswith(":erased") for (name,) in home.rows("name")]
    assert erased == [False, False, True, True, True, False]


def test_who_writes_no_address_is_not_erased_with_all_others_who_write_none(home: ErasableHome) -> None:
    ada, ben = {**ADA, "email": "n/a"}, {**BEN, "email": "n/a"}
    home.sync([ada, ben], hour=2)
    with home.opened() as installation:
        vault = installation.keys.vault
        subjects = set(find_subjects(vault, installation.platforms, f"{NAME}:{ADA['phone']}"))
        assert installation.lake
        with installation.lake.session() as session:
            subjects |= other_subjects(session, vault, installation.platforms, subjects)
        home.ask(installation, *subjects)
        (done,) = continue_erasures(installation, "kwok")
    assert done.state is ErasureState.complete
    home.sync([ada, ben], hour=3)
    (_, erased), (_, kept) = home.rows("source_id, name")
    assert erased == f"sealed:v1:{home.subject(ADA, 'phone')}:erased"
    assert vault.unseal(NAME, "name", str(kept)) == BEN["name"]


def test_a_hold_of_everything_defers_the_erasure_until_it_ends(home: ErasableHome) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    before = home.rows()
    with home.opened(lambda: now) as installation:
        until = now + timedelta(days=10)
        installation.holds.add([home.subject(ADA)], [], "HCA 12/2026", until, "maria")
        home.ask(installation, home.subject(ADA))
        for _ in range(2):
            (held,) = continue_erasures(installation, "kwok")
            assert (held.state, held.held_until) == (ErasureState.on_hold, until)
        assert home.rows() == before
        now = until
        (done,) = continue_erasures(installation, "erasures_schedule")
    _require_erased(home, done)


def test_a_hold_defers_exactly_the_fields_that_it_covers(home: ErasableHome) -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    home.sync([{**ADA, "note": "by the door"}, BEN], hour=2)
    with home.opened(lambda: now) as installation:
        hold = installation.holds.add(
            [home.subject(ADA)], [f"{NAME}.reservations.note"], "HCA 12/2026", now + timedelta(days=10), "maria"
        )
        home.ask(installation, home.subject(ADA))
        (held,) = continue_erasures(installation, "kwok")
        assert (held.state, held.held_until) == (ErasureState.partly_complete, hold.until), held.problem
        form = f"sealed:v1:{home.subject(ADA)}:erased"
        assert home.rows()[0] == ("1", form, form, form, form)
        assert installation.lake
        with installation.lake.session() as session:
            values = read_held_values(session, hold.number)
        vault = installation.keys.vault
        assert {vault.unseal(NAME, "note", each.value) for each in values} == {"window", "by the door"}
        assert {(each.source_id, each.field) for each in values} == {("1", "note")}
        events = len(held.events)
        (same,) = continue_erasures(installation, "kwok")
        assert len(same.events) == events
        installation.holds.release(hold.number, "the case is settled", "maria")
        (done,) = continue_erasures(installation, "kwok")
        with installation.lake.session() as session:
            assert read_held_values(session, hold.number) == []
        for each in values:
            with pytest.raises(StorageError, match="is destroyed"):
                vault.unseal(NAME, "note", each.value)
        assert installation.holds.breaks() == []
    _require_erased(home, done)


def test_the_proof_names_answers_that_left_the_installation_in_clear(home: ErasableHome) -> None:
    with home.opened() as installation:
        for subject in (home.subject(ADA), home.subject(BEN)):
            kind = PrivacyRequestKind.access
            number = installation.requests.add(kind, actor="maria", identity="passport shown", subjects=[subject])
            installation.requests.close(number, "sent by post", actor="maria")
        home.ask(installation, home.subject(ADA))
        (done,) = continue_erasures(installation, "kwok")
    assert done.proof
    outside = [each for each in read_proof(done.proof).places if each.state is ValueState.out_of_reach]
    assert [(each.place, each.found) for each in outside] == [("answers to access requests", {"answers": 1})]
