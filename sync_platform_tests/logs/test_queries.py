"""The configurations and the queries of docs/logs.md: they find the lines that the program writes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sync_platform.defs.sync_log import SyncLog
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.platforms import load_platforms
from sync_platform_tests.logs.conftest import Written
from sync_platform_tests.logs.test_run_log import record_of

PAGE = (Path(__file__).parents[2] / "docs" / "logs.md").read_text()
GROUP = "/aws/data-sync/production"


def blocks(language: str = "") -> list[str]:
    matches = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [text for name, text in matches if name == language]


def queries() -> list[str]:
    return [block for block in blocks() if block.startswith("fields ")]


def found(query: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that a query of Logs Insights finds, with the fields that it parses: only what these queries use."""
    for command in query.replace("\n", " ").split(" | ")[1:]:
        name, rest = command.strip().split(" ", 1)
        if name == "filter":
            lines = [line for line in lines if is_met(rest, line)]
        elif name == "parse":
            lines = [line | parsed(rest, line) for line in lines]
    return lines


def is_met(condition: str, line: dict[str, Any]) -> bool:
    field, operator, value = condition.split(" ", 2)
    if operator == "like":
        return re.search(value.strip("/"), line[field]) is not None
    assert operator == "in"
    return line[field] in json.loads(value)


def parsed(rest: str, line: dict[str, Any]) -> dict[str, str]:
    """A glob: each `*` takes as few characters as possible, the last one all that are left."""
    field, glob, names = re.fullmatch(r'(\S+) "(.*)" as (.*)', rest).groups()  # type: ignore[union-attr]
    pattern = "(.*?)".join(map(re.escape, glob.split("*")))
    values = re.search(f"{pattern}$", line[field])
    assert values is not None
    return dict(zip(names.split(", "), values.groups(), strict=True))


def test_the_three_queries_find_what_they_are_for(written: Written, tmp_path: Path) -> None:
    requests = RequestStore(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    submit_request(requests, load_platforms(), ["chope"], reason="menus are wrong", requester="ada")
    log = SyncLog("2026-11")
    log.add(record_of("dishes", "degraded", records=1234, updated=56, inserted=7, quarantined=8))
    for level, text in log.lines():
        logging.getLogger("sync_platform").log(level, text)
    logging.getLogger("sync_platform").error("a")
    logging.getLogger("sync_platform").critical("b")
    emergency, completed, errors = queries()
    assert [line["platform"] for line in found(emergency, written.lines)] == [None]
    (sync,) = found(completed, written.lines)
    assert {name: sync[name] for name in ("processed", "updated", "created", "errors")} == {
        "processed": "1234", "updated": "56", "created": "7", "errors": "8",
    }  # fmt: skip
    assert [line["message"] for line in found(errors, written.lines)] == ["a", "b"]


def test_the_example_of_a_line_has_the_fields_of_the_table(written: Written) -> None:
    logging.getLogger("sync_platform").info("x")
    (example,) = [json.loads(block) for block in blocks() if block.startswith("{")]
    assert list(example) == list(written.lines[0])
    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", PAGE.split("## A line")[1].split("## Dagster")[0], re.MULTILINE)
    assert {field for names in named for field in re.findall(r"\w+", names)} == {*example, "stack"}


def test_the_configurations_can_be_read_and_name_the_log_group() -> None:
    (agent,) = map(json.loads, blocks("json"))
    (file,) = agent["logs"]["logs_collected"]["files"]["collect_list"]
    compose = next(each for each in map(yaml.safe_load, blocks("yaml")) if "services" in each)
    (service,) = compose["services"].values()
    assert service["logging"]["options"]["awslogs-group"] == file["log_group_name"] == GROUP
    assert GROUP.endswith(service["environment"]["ENVIRONMENT"])
    assert service["environment"]["LOG_FORMAT"] == "json"


def dagster_loggers() -> Iterator[dict[str, Any]]:
    yield from (each for each in map(yaml.safe_load, blocks("yaml")) if "python_logs" in each)


def test_the_settings_of_dagster_are_those_of_a_new_home() -> None:
    from sync_platform.cli.runner.home import INSTANCE_YAML

    (loggers,) = dagster_loggers()
    assert loggers.items() <= yaml.safe_load(INSTANCE_YAML).items()
