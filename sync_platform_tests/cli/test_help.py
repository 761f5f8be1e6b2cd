"""What a new user sees first: the subcommands of every group, and how to use a sandbox of one's own."""

from __future__ import annotations

import re
import signal

import pytest

from sync_platform.cli.app import GROUPS
from sync_platform_tests.cli.conftest import Shell, wait_until


def test_the_help_lists_the_subcommands_of_every_group(shell: Shell) -> None:
    output = re.sub(r"[\s│]+", " ", shell.run_in_process("--help").stdout)
    for group in GROUPS.values():
        names = [str(each.name) for each in group.registered_commands if not each.hidden]
        names += [str(each.name) for each in group.registered_groups]
        assert names and f"Subcommands: {', '.join(names)}." in output


@pytest.mark.parametrize("command", ["", "health", "query", "backup create", "privacy requests list"])
def test_a_flag_does_not_look_as_if_it_takes_a_value(shell: Shell, command: str) -> None:
    output = shell.run_in_process(*command.split(), "--help").stdout
    assert "--help" in output
    assert "<bool>" not in output


def test_a_sandbox_shows_the_variables_that_lead_to_it(shell: Shell) -> None:
    process = shell.start("sandbox", "--port", "0", "--places", "20")
    try:
        wait_until(lambda: "KEETA_BASE_URL" in process.errors, process)
        (url,) = re.findall(r'"url":"(.*?)"', process.output)
        assert f"export CHOPE_BASE_URL={url}/chope\n" in process.errors
        assert f"export DATA_GOV_HK_ARCHIVE_URL={url}/data_gov_hk_archive\n" in process.errors
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
