"""The health: what the command shows, in the documented form; what is not known is null."""

from __future__ import annotations

import json
import threading
import time

from sync_platform_tests.api.served import Served
from sync_platform_tests.cli.conftest import Shell


def test_the_health_is_that_of_the_command(served: Served) -> None:
    stated = json.loads(Shell(served.home).run_in_process("health", "--json").stdout)
    data = served.http("viewer").get("/health").json()["data"]
    assert (data["overall"], data["confidence"]) == (stated["state"], stated["confidence"])
    assert abs(data["healthScore"] - stated["score"]) < 0.01
    assert [each["reason"] for each in data["losses"]] == [each["reason"] for each in stated["losses"]]


def test_the_health_has_the_documented_names(served: Served) -> None:
    data = served.http().get("/health").json()["data"]
    assert (data["activeAlerts"], data["criticalAlerts"]) == (0, 0)
    fresh = {each["platform"]: each for each in data["dataFreshness"]}
    assert (fresh["eatigo"]["isLate"], fresh["eatigo"]["shownAt"]) == (True, None)
    assert fresh["chope"]["shownAt"] < fresh["chope"]["dueAt"]
    newest = data["recentSyncs"][0]
    assert (newest["platform"], newest["mode"], newest["status"]) == ("chope", "incremental", "complete")
    assert newest["startedAt"] > data["recentSyncs"][-1]["startedAt"]
    assert data["backup"] == {"lastBackup": None}


def test_a_home_in_which_nothing_was_done_is_unhealthy_and_is_not_created(empty_home: Served) -> None:
    data = empty_home.http().get("/health").json()["data"]
    assert (data["overall"], data["recentSyncs"], data["backup"]) == ("unhealthy", [], {"lastBackup": None})
    assert not empty_home.home.exists()


def test_what_cannot_be_read_is_null(own_home: Served) -> None:
    (own_home.home / "ledger.sqlite").write_bytes(b"this is no database" * 100)
    data = own_home.http().get("/health").json()["data"]
    assert (data["activeAlerts"], data["criticalAlerts"], data["backup"]) == (None, None, {"lastBackup": None})
    assert data["recentSyncs"]
    assert data["confidence"] < 1


def test_what_the_first_requests_need_is_read_at_the_start_while_the_server_answers(empty_home: Served) -> None:
    may_end, context, http = threading.Event(), empty_home.context, empty_home.http()
    context.first_reads.insert(0, may_end.wait)
    with http:  # runs the start of the application
        assert context.is_preparing.is_set()
        assert http.get("/health").status_code == 200
        may_end.set()
        while context.is_preparing.is_set():
            time.sleep(0.01)
