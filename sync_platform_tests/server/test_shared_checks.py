"""Checks that requests share (server/shared_checks.py)."""

from __future__ import annotations

import asyncio

import pytest

from sync_platform.server.shared_checks import SharedChecks


class Ledger:
    """What is checked: `value` when a check begins. A check lasts until `end` is called."""

    def __init__(self) -> None:
        self.value, self.checks = "valid", 0
        self._ends: list[asyncio.Event] = []

    async def check(self, key: str) -> str:
        self.checks += 1
        found = f"{key} {self.value}"
        self._ends.append(end := asyncio.Event())
        await end.wait()
        if self.value == "broken":
            raise OSError(found)
        return found

    async def end(self) -> None:
        await _others_run()
        self._ends.pop(0).set()
        await _others_run()


async def _others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_hundred_requests_need_two_checks_and_none_is_older_than_its_request() -> None:
    async def scenario() -> None:
        ledger = Ledger()
        checks = SharedChecks(ledger.check)
        first = asyncio.create_task(checks.answer("ada"))
        await _others_run()
        ledger.value = "revoked"
        later = [asyncio.create_task(checks.answer("ada")) for _ in range(99)]
        await ledger.end()
        await ledger.end()
        assert await first == "ada valid"
        assert {await each for each in later} == {"ada revoked"}
        assert ledger.checks == 2

    asyncio.run(scenario())


def test_other_credentials_do_not_wait() -> None:
    async def scenario() -> None:
        ledger = Ledger()
        checks = SharedChecks(ledger.check)
        asked = [asyncio.create_task(checks.answer(key)) for key in ("ada", "ben")]
        await _others_run()
        assert ledger.checks == 2
        await ledger.end()
        await ledger.end()
        assert [await each for each in asked] == ["ada valid", "ben valid"]

    asyncio.run(scenario())


def test_a_failed_check_fails_those_who_wait_for_it_and_no_later_one() -> None:
    async def scenario() -> None:
        ledger = Ledger()
        checks = SharedChecks(ledger.check)
        asked = [asyncio.create_task(checks.answer("ada")) for _ in range(2)]
        await _others_run()
        ledger.value = "broken"
        await ledger.end()
        for each in asked:
            with pytest.raises(OSError):
                await each
        ledger.value = "valid"
        again = asyncio.create_task(checks.answer("ada"))
        await ledger.end()
        assert await again == "ada valid"

    asyncio.run(scenario())


def test_a_request_that_is_given_up_does_not_end_the_check_of_the_others() -> None:
    async def scenario() -> None:
        ledger = Ledger()
        checks = SharedChecks(ledger.check)
        given_up, other = (asyncio.create_task(checks.answer("ada")) for _ in range(2))
        await _others_run()
        given_up.cancel()
        await ledger.end()
        assert await other == "ada valid"
        assert given_up.cancelled()

    asyncio.run(scenario())
