"""Requesting a run: what is refused, what folds into what, and that two who ask at once make one request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync_platform.emergency.book import RequestBook
from sync_platform.emergency.intake import Entered, request_run
from sync_platform.emergency.request import Request
from sync_platform.errors import StorageError, UsageError
from sync_platform.platforms import load_platforms
from sync_platform_tests.processes import outputs_of

PLATFORMS = load_platforms()


def ask(book: RequestBook, *names: str, **told: Any) -> Entered:
    return request_run(book, PLATFORMS, list(names), **{"reason": "menus are wrong", "requester": "ada", **told})


def finish(book: RequestBook, request: Request, outcome: Any = "complete") -> None:
    for name in request.platforms:
        book.note_end(request.request_id, name, f"run-{name}", outcome)


def test_a_request_stands_in_the_book_as_it_was_made(book: RequestBook) -> None:
    made = ask(book, "chope", reason=" menus\nare  wrong ", priority="critical")
    assert not made.folded
    kept = RequestBook(book.ledger_url).find(made.request.request_id)
    assert kept == made.request
    assert (kept.reason, kept.requester, kept.priority, kept.state) == (
        "menus are wrong",
        "ada",
        "critical",
        "requested",
    )
    assert (kept.platforms, kept.outcome, kept.launched_at, kept.finished_at) == (["chope"], None, None, None)


def test_without_names_it_is_for_every_platform(book: RequestBook) -> None:
    assert ask(book).request.platforms == list(PLATFORMS)


@pytest.mark.parametrize(
    ("names", "told", "reason"),
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
    tmp_path: Path, names: list[str], told: dict[str, str], reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        ask(RequestBook(f"sqlite:///{tmp_path}/ledger.sqlite"), *names, **told)
    assert list(tmp_path.iterdir()) == []


def test_an_equal_request_joins_the_open_one_and_can_make_it_more_urgent(book: RequestBook) -> None:
    first = ask(book, "chope", "eatigo", priority="medium")
    less = ask(book, "eatigo", "chope", "chope", priority="low", requester="bob")
    assert (less.folded, less.request.request_id, less.request.priority) == (True, first.request.request_id, "medium")
    more = ask(book, "chope", "eatigo", priority="critical", requester="eve", reason="guests complain")
    assert (more.folded, more.request.priority, more.request.requester) == (True, "critical", "ada")
    assert [(asking.requester, asking.reason) for asking in more.request.askings] == [
        ("ada", "menus are wrong"),
        ("bob", "menus are wrong"),
        ("eve", "guests complain"),
    ]


def test_other_platforms_are_another_request(book: RequestBook) -> None:
    both, one = ask(book, "chope", "eatigo"), ask(book, "chope")
    assert not one.folded
    assert both.request.request_id != one.request.request_id


def test_an_equal_request_after_the_end_is_a_new_one(book: RequestBook) -> None:
    first = ask(book, "chope").request
    finish(book, first)
    again = ask(book, "chope")
    assert not again.folded
    assert again.request.request_id != first.request_id


def test_a_key_is_the_same_request_for_ever_and_of_its_own(book: RequestBook) -> None:
    first = ask(book, "chope").request
    keyed = ask(book, "chope", key="ticket-7")
    assert (keyed.folded, keyed.request.request_id == first.request_id) == (False, False)
    finish(book, keyed.request)
    again = ask(book, "chope", key="ticket-7", reason="asked again")
    assert (again.folded, again.request.request_id) == (True, keyed.request.request_id)
    assert [asking.reason for asking in again.request.askings] == ["menus are wrong"]
    with pytest.raises(UsageError, match="the key was used before, for chope"):
        ask(book, "eatigo", key="ticket-7")


def test_a_message_brought_twice_is_one_request_even_when_it_has_ended(book: RequestBook) -> None:
    first = ask(book, "chope", receipt="emergency/a.json").request
    finish(book, first)
    assert ask(book, "chope", receipt="emergency/a.json").request.request_id == first.request_id
    assert ask(book, "chope", receipt="emergency/b.json").request.request_id != first.request_id


def test_processes_that_ask_at_the_same_moment_make_one_request(database_url: str) -> None:
    imports = "import alembic.command\nfrom sync_platform.emergency.book import RequestBook\n"
    imports += "from sync_platform.emergency.intake import request_run\n"
    imports += "from sync_platform.platforms import load_platforms\nplatforms = load_platforms()\n"
    imports += "book = RequestBook(sys.argv[1])"
    program = "for name, key in (('chope', None), ('eatigo', 'ticket-7')):\n"
    program += "    made = request_run(book, platforms, [name], reason='now', requester='ada', key=key)\n"
    program += "    print(name, made.request.request_id, made.folded)"
    printed = [
        line.split()
        for output in outputs_of(2, f"import sys\n{imports}", program, database_url)
        for line in output.splitlines()
    ]
    for name in ("chope", "eatigo"):
        mine = [(request_id, folded) for asked, request_id, folded in printed if asked == name]
        assert len({request_id for request_id, _ in mine}) == 1
        assert sorted(folded for _, folded in mine) == ["False", "True"]
    assert len(RequestBook(database_url).latest(10)) == 2


def test_a_platform_is_launched_by_one_only(book: RequestBook) -> None:
    request = ask(book, "chope").request
    assert book.claim(request.request_id, "chope", "run-1")
    assert not book.hand_over(request.request_id, "chope")
    book.give_back(request.request_id, "chope", "run-1")
    assert book.hand_over(request.request_id, "chope")
    assert not book.claim(request.request_id, "chope", "run-2")


def test_a_request_is_as_far_as_the_whole_of_it_and_ends_as_its_worst_platform(book: RequestBook) -> None:
    request_id = ask(book, "chope", "eatigo").request.request_id
    states = []
    for step in (
        lambda: book.hand_over(request_id, "eatigo"),
        lambda: book.note_progress(request_id, "eatigo", "run-2", "running"),
        lambda: book.note_end(request_id, "eatigo", "run-2", "complete"),
        lambda: book.note_end(request_id, "chope", "run-1", "degraded"),
        lambda: book.note_end(request_id, "chope", "run-1", "failed", "too late: the first word counts"),
    ):
        step()
        found = book.find(request_id)
        states.append((found.state, found.outcome))
    assert states == [
        ("launched", None),
        ("running", None),
        ("running", None),
        ("finished", "degraded"),
        ("finished", "degraded"),
    ]
    assert book.open_requests() == []


def test_open_requests_come_most_urgent_first(book: RequestBook) -> None:
    for name, priority in (("chope", "low"), ("eatigo", "critical"), ("keeta", "high")):
        ask(book, name, priority=priority)
    assert [request.priority for request in book.open_requests()] == ["critical", "high", "low"]


def test_a_book_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot open the database"):
        ask(RequestBook(f"sqlite:///{tmp_path}/file/ledger.sqlite"), "chope")
