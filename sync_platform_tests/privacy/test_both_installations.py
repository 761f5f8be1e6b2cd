"""A person is found, corrected, restricted and erased on a laptop and on PostgreSQL with S3, also beside a sync."""

from __future__ import annotations

import itertools
import json
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from sync_platform.privacy.erasure import continue_erasures
from sync_platform.privacy.erasure_record import ErasureState
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import candidates
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform_tests.lake.guest_book import ADA, BEN, guest_book
from sync_platform_tests.lake.harness import HISTORY, LakeHarness
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome
from sync_platform_tests.warm import forking, started


def test_a_guest_is_found_by_each_identifier(tmp_path: Path, installation: dict[str, str]) -> None:
    book = LakeHarness(tmp_path, guest_book())
    book.sync([ADA, BEN], hour=1)
    searched = SearchedInstallation(book.vault, book.lake, lambda: book.store, HISTORY, {NAME: book.platform})
    by_subject = PersonQuestion(subject=f"{NAME}:ada@guest.hk")
    others = (PersonQuestion(email=" ADA@guest.hk"), PersonQuestion(phone="9123 4567"), PersonQuestion(name="wong ada"))
    for question in (by_subject, *others):
        (found,) = candidates(searched, question)
        assert (found.subject_id, found.records) == (book.vault.subject_id(NAME, "email", ADA["email"]), 1)


@pytest.mark.full  # each request has tests of its own on a laptop
def test_the_requests_of_a_person_are_answered_on_each_installation(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    home = ErasableHome(tmp_path, installation)
    subject = home.subject(ADA)
    who = ("--identity", "passport", "--subject", subject)
    home.run("privacy", "requests", "add", "correction", *who)
    home.run("privacy", "correct", "1", NAME, "reservations", "1", "name", "--value", "Ada Wang")
    home.sync([ADA, BEN], hour=2)
    assert home.book.vault.unseal(NAME, "name", str(home.rows("name")[0][0])) == "Ada Wang"
    home.run("privacy", "requests", "add", "restriction", *who)
    home.run("privacy", "requests", "close", "2", "--answer", "restricted")
    home.run("backup", "restore", "--target", "development", "--conflict", "overwrite")
    answer = json.loads(home.run("query", f"SELECT source_id FROM {NAME}.reservations", "--format", "json"))
    assert answer == [{"source_id": "2"}]
    home.run("privacy", "erase", "--subject", subject, "--reason", "letter 7", "--yes")
    assert home.rows("name")[0] == (f"sealed:v1:{subject}:erased",)
    home.run("lineage", "verify")


def test_an_erasure_beside_a_running_sync_leaves_nothing_that_can_be_read(
    tmp_path: Path, installation: dict[str, str]
) -> None:
    home = ErasableHome(tmp_path, installation)
    synced, ends = forking().Event(), forking().Event()
    (other,) = started(1, _sync_until, (home.shell.home, synced, ends))
    try:
        assert synced.wait(120)
        with home.opened() as opened:
            home.ask(opened, home.subject(ADA))
            (done,) = continue_erasures(opened, "kwok")
            for _ in range(5):  # a place was busy
                if done.state is not ErasureState.complete:
                    (done,) = continue_erasures(opened, "kwok")
        assert done.state is ErasureState.complete, done.problem
        synced.clear()
        assert synced.wait(120), "syncs go on"
    finally:
        ends.set()
        ended = other.wait(120)
    assert ended.returncode == 0, ended.stderr
    form = f"sealed:v1:{home.subject(ADA)}:erased"
    assert home.rows()[0] == ("1", form, form, form, form)
    assert home.book.replay_differs() == []


def _sync_until(folder: Path, synced: Event, ends: Event, _: int) -> None:
    """Sync all the time, with values that change; the settings of the installation are in the environment."""
    book = LakeHarness(folder, guest_book(), itertools.count(500))
    for number in itertools.count(1):
        book.sync([{**ADA, "seats": number % 7}, BEN], hour=10 + number / 100)
        synced.set()
        if ends.is_set():
            return
        time.sleep(1)
