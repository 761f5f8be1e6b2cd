"""A person is found by any identifier, also in a home of an earlier version, and nobody is merged."""

from __future__ import annotations

import pytest

from sync_platform.errors import UsageError
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_search import Candidate, candidates
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.vault.identifiers import unread_subjects
from sync_platform.vault.tombstones import add_tombstones
from sync_platform_tests.privacy.conftest import PersonalHome


def found(searched: SearchedInstallation, **question: str) -> list[Candidate]:
    return candidates(searched, PersonQuestion(**question))


def test_a_guest_of_an_earlier_home_is_found_by_every_identifier(
    home: PersonalHome, searched: SearchedInstallation
) -> None:
    guest = home.guest()
    assert unread_subjects(searched.vault.engine)
    questions = {
        "email": guest["email"].upper(),
        "phone": guest["mobile"],
        "subject": f"chope:{guest['email']}",
        "name": f"{guest['surname']}, {guest['forename']}",
    }
    for kind, value in questions.items():
        ids = {each.subject_id: each for each in found(searched, **{kind: value})}
        assert ids[guest["subject"]].found_by == (kind,)
        assert ids[guest["subject"]].records >= 1
    assert unread_subjects(searched.vault.engine) == set()


def test_a_candidate_says_how_many_records_there_are_and_since_when(
    home: PersonalHome, searched: SearchedInstallation
) -> None:
    guest = home.guest()
    (candidate,) = found(searched, subject=guest["subject"])
    rows = home.shell.query(
        f"""SELECT count(*) AS rows, count(*) FILTER (removed_at IS NULL) AS live, min(first_seen_at) AS first
        FROM chope.reservations WHERE contains(concat(email, mobile, surname), '{guest["subject"]}')"""
    )[0]
    assert (candidate.records, candidate.live) == (int(rows["rows"]), int(rows["live"]))
    assert (candidate.platform, candidate.dataset) == ("chope", "reservations")
    assert candidate.first_seen_at is not None


def test_what_matches_in_more_ways_comes_first(home: PersonalHome, searched: SearchedInstallation) -> None:
    guest = home.guest()
    listed = found(searched, email=guest["email"], name=guest["surname"])
    assert listed[0].found_by == ("email", "name")
    assert listed[0].subject_id == guest["subject"]


def test_nobody_is_found_who_is_erased_or_unknown(home: PersonalHome, searched: SearchedInstallation) -> None:
    guest = home.guest()
    assert found(searched, email="nobody@example.hk") == []
    add_tombstones(searched.vault.engine, [guest["subject"]])
    for kind, value in {"email": guest["email"], "subject": guest["subject"]}.items():
        assert guest["subject"] not in {each.subject_id for each in found(searched, **{kind: value})}


def test_a_wrong_question_is_refused(searched: SearchedInstallation) -> None:
    with pytest.raises(UsageError, match="'mei' is no e-mail address"):
        found(searched, email="mei")
    with pytest.raises(UsageError, match="'nowhere' is no platform: write PLATFORM:ID with one of"):
        found(searched, subject="nowhere:7")
