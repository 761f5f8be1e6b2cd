"""Unified restaurants on the command line: after a sync, on their own, and after decisions of people."""

from __future__ import annotations

import json
import signal

import pytest

from sync_platform_tests.cli.conftest import FirstSync, Shell, wait_until
from sync_platform_tests.limits import LONGEST_WAIT_S


def test_a_sync_ends_with_unified_restaurants(first_sync: FirstSync) -> None:
    shell, message = first_sync.shell, first_sync.document["unified"]
    assert (message["mode"], message["error"]) == ("full", None)
    assert 50 <= message["restaurants"] <= 70
    (row,) = shell.query(
        """SELECT count(*) AS n, count(*) FILTER (name_en IS NOT NULL) AS named FROM unified.restaurants"""
    )
    assert row["n"] == message["restaurants"] and row["named"] > 0.9 * row["n"]
    loose = shell.query("SELECT count(*) AS n FROM unified.reviews WHERE restaurant_id IS NULL")
    assert loose == [{"n": 0}]


def test_every_change_of_unified_tables_is_sealed(synced: Shell) -> None:
    done = synced.run("lineage", "verify", "--json")
    findings = json.loads(done.stdout)
    assert (done.returncode, findings["breaks"], findings["not_compared"]) == (0, [], [])
    assert findings["files_unrecorded"] == 0
    kinds = synced.query("SELECT DISTINCT dataset FROM lineage.batches WHERE platform = 'unified' ORDER BY 1")
    assert {"members", "restaurants"} <= {row["dataset"] for row in kinds}
    assert synced.query("SELECT DISTINCT dataset FROM lineage.batches WHERE platform = 'reference'")


def test_the_review_queue_shows_both_listings_and_the_evidence(synced: Shell) -> None:
    message = json.loads(synced.run("unify", "--json").stdout)
    queue = json.loads(synced.run("match", "review", "--json", "--limit", "1000").stdout)
    assert len(queue) == message["review"]
    for doubt in queue:
        assert len(doubt["listings"]) == 2 and all(side["restaurant_id"] for side in doubt["listings"])
        assert doubt["evidence"]["words"]
    assert synced.run("match", "review").returncode == 0


def test_the_result_is_printed_once(synced: Shell) -> None:
    done = synced.run("unify")
    assert done.returncode == 0
    assert (done.stdout + done.stderr).count(" restaurants of ") == 1


def test_a_decision_is_applied_at_once(synced: Shell) -> None:
    (pair,) = synced.query(
        """SELECT min(source_id) FILTER (platform = 'openrice') AS one,
            min(source_id) FILTER (platform = 'data_gov_hk') AS other
        FROM unified.members GROUP BY restaurant_id HAVING one IS NOT NULL AND other IS NOT NULL ORDER BY 1 LIMIT 1"""
    )
    names = (f"openrice/{pair['one']}", f"data_gov_hk/{pair['other']}")
    done = synced.run("match", "decide", *names, "--different", "--reason", "two doors", "--by", "ada", "--json")
    assert done.returncode == 0, done.stderr
    assert [event["kind"] for event in json.loads(done.stdout)["identities"]] == ["split"]
    (decision,) = json.loads(synced.run("match", "decisions", "--json").stdout)
    assert (decision["is_same"], decision["reason"], decision["decided_by"]) == (False, "two doors", "ada")
    apart = synced.query(
        f"""SELECT count(DISTINCT restaurant_id) AS n FROM unified.members
        WHERE platform || '/' || source_id IN {names}"""
    )
    assert apart == [{"n": 2}]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("openrice/1", "chope/1", "--same", "--reason", "x"), "the lake holds no listing openrice/1"),
        (("openrice/1", "chope/1", "--reason", "x"), "say one of --same, --different and --withdraw"),
        (("openrice/1", "chope/1", "--same", "--withdraw", "--reason", "x"), "say one of"),
        (("nobody", "chope/1", "--same", "--reason", "x"), "names no listing"),
        (("openrice/1", "chope/1", "--same", "--reason", " "), "say why"),
    ],
)
def test_an_invalid_decision_is_bad_usage(synced: Shell, arguments: tuple[str, ...], words: str) -> None:
    done = synced.run_in_process("match", "decide", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


def test_nothing_can_be_unified_or_reviewed_before_a_sync(shell: Shell) -> None:
    for command in (("unify",), ("match", "review"), ("match", "decisions")):
        done = shell.run_in_process(*command)
        assert done.returncode == 1
        assert "run `sync-platform sync`" in done.stderr


def test_a_sync_without_changes_unifies_what_was_not_unified_before(shell: Shell) -> None:
    """As where the sync before was killed between its commits and its unification."""
    assert shell.sync("openrice")[0] == 0
    code, document = shell.sync("openrice", "--unify")
    assert (code, document["platforms"][0]["datasets"][0]["inserted"]) == (0, 0)
    assert document["unified"]["restaurants"] > 0
    assert shell.sync("openrice", "--unify")[1]["unified"] is None


def test_an_interrupted_unification_is_canceled(shell: Shell) -> None:
    assert shell.sync("openrice")[0] == 0
    process = shell.start("unify", "--rebuild")
    wait_until(lambda: shell.run_states()[1:] == ["STARTED"], process)
    process.send_signal(signal.SIGINT)
    stopped = process.wait(LONGEST_WAIT_S)
    assert stopped.returncode == 130
    assert stopped.stderr.splitlines()[-1] == "sync-platform: cancelled: nothing is half-written"
    assert "Interrupt" not in stopped.stderr
    assert shell.run_states()[1:] == ["CANCELED"]
    entries = json.loads(shell.run_in_process("audit", "--operation", "unify", "--json").stdout)["entries"]
    assert [entry["outcome"] for entry in entries] == ["begun", "interrupted"]
    assert shell.run("unify").returncode == 0
