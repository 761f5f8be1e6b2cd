"""Submission of requests: refusals, joined requests, and concurrent submissions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import Submission, submit_request
from sync_platform.errors import StorageError, UsageError
from sync_platform.platforms import load_platforms
from sync_platform_tests.processes import outputs_of

PLATFORMS = load_platforms()


def ask(requests: RequestStore, *names: str, **options: Any) -> Submission:
    return submit_request(
        requests, PLATFORMS, list(names), **{"reason": "menus are wrong", "requester": "ada", **options}
    )


def finish(requests: RequestStore, request: EmergencyRequest, outcome: Any = "complete") -> None:
    for name in request.platforms:
        requests.note_end(request.request_id, name, f"run-{name}", outcome)


def test_a_request_is_stored_as_it_was_submitted(requests: RequestStore) -> None:
    made = ask(requests, "chope", reason=" menus\nare  wrong ", priority="critical")
    assert not made.joined
    kept = RequestStore(requests.ledger_url).find(made.request.request_id)
    assert kept == made.request
    assert (kept.reason, kept.requester, kept.priority, kept.state) == (
        "menus are wrong",
        "ada",
        "critical",
        "requested",
    )
    assert (kept.platforms, kept.outcome, kept.launched_at, kept.finished_at) == (["chope"], None, None, None)


def test_without_names_it_is_for_every_platform(requests: RequestStore) -> None:
    assert ask(requests).request.platforms == list(PLATFORMS)


@pytest.mark.parametrize(
    ("names", "options", "reason"),
    [
        (["chop"], {}, "unknown platform chop; there are data_gov_hk"),
        (["chope"], {"reason": " \n"}, "needs a reason"),
        (["chope"], {"requester": ""}, "needs a requester"),
        (["chope"], {"key": " "}, "needs a key"),
        (["chope"], {"priority": "urgent"}, "priority 'urgent' is none of low, medium, high, critical"),
        (["chope"], {"reason": "x" * 501}, "at most 500 printable characters"),
        (["chope"], {"reason": "bell\x07"}, "at most 500 printable characters"),
    ],
)
def test_a_bad_request_is_refused_with_the_reason_and_makes_no_ledger(
    tmp_path: Path, names: list[str], options: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        ask(RequestStore(f"sqlite:///{tmp_path}/ledger.sqlite"), *names, **options)
    assert list(tmp_path.iterdir()) == []


def test_an_equal_request_joins_the_open_one_and_can_make_it_more_urgent(requests: RequestStore) -> None:
    first = ask(requests, "chope", "eatigo", priority="medium")
    less = ask(requests, "eatigo", "chope", "chope", priority="low", requester="bob")
    assert (less.joined, less.request.request_id, less.request.priority) == (True, first.request.request_id, "medium")
    more = ask(requests, "chope", "eatigo", priority="critical", requester="eve", reason="guests complain")
    assert (more.joined, more.request.priority, more.request.requester) == (True, "critical", "ada")
    assert [(asking.requester, asking.reason) for asking in more.request.askings] == [
        ("ada", "menus are wrong"),
        ("bob", "menus are wrong"),
        ("eve", "guests complain"),
    ]


def test_other_platforms_are_another_request(requests: RequestStore) -> None:
    both, one = ask(requests, "chope", "eatigo"), ask(requests, "chope")
    assert not one.joined
    assert both.request.request_id != one.request.request_id


def test_an_equal_request_after_the_end_is_a_new_one(requests: RequestStore) -> None:
    first = ask(requests, "chope").request
    finish(requests, first)
    again = ask(requests, "chope")
    assert not again.joined
    assert again.request.request_id != first.request_id


def test_an_idempotency_key_always_returns_its_own_request(requests: RequestStore) -> None:
    first = ask(requests, "chope").request
    keyed = ask(requests, "chope", key="ticket-7")
    assert (keyed.joined, keyed.request.request_id == first.request_id) == (False, False)
    finish(requests, keyed.request)
    again = ask(requests, "chope", key="ticket-7", reason="asked again")
    assert (again.joined, again.request.request_id) == (True, keyed.request.request_id)
    assert [asking.reason for asking in again.request.askings] == ["menus are wrong"]
    with pytest.raises(UsageError, match="the key was used before, for chope"):
        ask(requests, "eatigo", key="ticket-7")


def test_a_message_that_arrives_twice_is_one_request_even_when_it_has_ended(requests: RequestStore) -> None:
    first = ask(requests, "chope", receipt="emergency/a.json").request
    finish(requests, first)
    assert ask(requests, "chope", receipt="emergency/a.json").request.request_id == first.request_id
    assert ask(requests, "chope", receipt="emergency/b.json").request.request_id != first.request_id


def test_processes_that_ask_at_the_same_moment_make_one_request(database_url: str) -> None:
    imports = "import alembic.command\nfrom sync_platform.emergency.request_store import RequestStore\n"
    imports += "from sync_platform.emergency.submission import submit_request\n"
    imports += "from sync_platform.platforms import load_platforms\nplatforms = load_platforms()\n"
    imports += "requests = RequestStore(sys.argv[1])"
    program = "for name, key in (('chope', None), ('eatigo', 'ticket-7')):\n"
    program += "    made = submit_request(requests, platforms, [name], reason='now', requester='ada', key=key)\n"
    program += "    print(name, made.request.request_id, made.joined)"
    printed = [
        line.split()
        for output in outputs_of(2, f"import sys\n{imports}", program, database_url)
        for line in output.splitlines()
    ]
    for name in ("chope", "eatigo"):
        mine = [(request_id, folded) for asked, request_id, folded in printed if asked == name]
        assert len({request_id for request_id, _ in mine}) == 1
        assert sorted(folded for _, folded in mine) == ["False", "True"]
    assert len(RequestStore(database_url).latest(10)) == 2


def test_only_one_run_launches_a_platform(requests: RequestStore) -> None:
    request = ask(requests, "chope").request
    assert requests.claim(request.request_id, "chope", "run-1")
    assert not requests.hand_over(request.request_id, "chope")
    requests.give_back(request.request_id, "chope", "run-1")
    assert requests.hand_over(request.request_id, "chope")
    assert not requests.claim(request.request_id, "chope", "run-2")


def test_a_request_has_the_state_of_all_its_platforms_and_the_outcome_of_the_worst(requests: RequestStore) -> None:
    request_id = ask(requests, "chope", "eatigo").request.request_id
    states = []
    for step in (
        lambda: requests.hand_over(request_id, "eatigo"),
        lambda: requests.note_progress(request_id, "eatigo", "run-2", "running"),
        lambda: requests.note_end(request_id, "eatigo", "run-2", "complete"),
        lambda: requests.note_end(request_id, "chope", "run-1", "degraded"),
        lambda: requests.note_end(request_id, "chope", "run-1", "failed", "too late: the first word counts"),
    ):
        step()
        request = requests.find(request_id)
        states.append((request.state, request.outcome))
    assert states == [
        ("launched", None),
        ("running", None),
        ("running", None),
        ("finished", "degraded"),
        ("finished", "degraded"),
    ]
    assert requests.open_requests() == []


def test_open_requests_come_most_urgent_first(requests: RequestStore) -> None:
    for name, priority in (("chope", "low"), ("eatigo", "critical"), ("keeta", "high")):
        ask(requests, name, priority=priority)
    assert [request.priority for request in requests.open_requests()] == ["critical", "high", "low"]


def test_a_ledger_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot open the database"):
        ask(RequestStore(f"sqlite:///{tmp_path}/file/ledger.sqlite"), "chope")
