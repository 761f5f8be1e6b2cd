"""One table of rules: in the settings, in the document and in the program."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError

from sync_platform.privacy.retention_rule import RULES, RuleName
from sync_platform.settings import Settings
from sync_platform_tests.cli.conftest import ROOT

DEFAULTS = Settings(_env_file=None)


def test_the_document_has_the_table_of_the_program() -> None:
    page = (ROOT / "docs" / "retention.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| `([A-Z_]+)` \| ([\d,]+) \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(each.name, each.what, each.setting, f"{each.days(DEFAULTS):,}", each.then) for each in RULES]


def test_the_defaults_are_what_is_promised() -> None:
    days = {each.name: each.days(DEFAULTS) for each in RULES}
    assert set(days) == set(RuleName)
    assert days == {
        RuleName.sync_logs: 30,
        RuleName.lineage: 7 * 365 + 2,
        RuleName.backups: 365,
        RuleName.metrics: 456,
        RuleName.alerts: 90,
        RuleName.landing: 90,
        RuleName.privacy_requests: 4 * 365 + 1,
        RuleName.access_answers: 365,
    }


def test_refusals_cannot_be_kept_for_less_than_four_years() -> None:
    with pytest.raises(ValidationError, match="1461"):
        Settings(_env_file=None, privacy_request_retention_days=1460)
