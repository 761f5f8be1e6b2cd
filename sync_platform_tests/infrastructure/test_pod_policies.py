"""The policies of the pods' roles, as files: no wildcard that is not explained, no key and no bucket of others."""

from __future__ import annotations

import re

import pytest

from sync_platform.monitoring.cloudwatch import NAMESPACE
from sync_platform_tests.infrastructure.pod_policies import (
    MODULE,
    POD_ROLES,
    TEXTS,
    grants_of,
    is_on_behalf,
    named_policy,
    several,
    variables_of,
)

KEY_OF = {"data/*": "data", "data/lake/*": "data", "backup/*": "backups", "vault-backup/*": "vault-backup"} | {
    "data/landing/emergency/*": "data",
    "alerts": "messages",
    "emergency": "messages",
}
"""The key that encrypts what lies in a bucket, a topic or a queue."""


@pytest.mark.parametrize("role", TEXTS)
def test_a_role_may_do_only_what_is_named(role: str) -> None:
    for statement in named_policy(role)["Statement"]:
        actions = several(statement["Action"])
        assert not any("*" in action for action in actions), statement
        if "*" in several(statement["Resource"]):
            assert all(action.startswith("cloudwatch:") for action in actions), statement


@pytest.mark.parametrize("role", POD_ROLES)
def test_a_policy_gets_each_value_that_it_names(role: str) -> None:
    given = dict(re.findall(r"^ +(\w+) += (.*)$", (MODULE / "main.tf").read_text(), re.MULTILINE))
    for name in variables_of(role):
        kind = re.fullmatch(r"(\w+)_(bucket|key)_arn", name)
        assert given[name] == (f'var.{kind[2]}_arns["{kind[1].replace("_", "-")}"]' if kind else f"var.{name}")


@pytest.mark.parametrize("role", POD_ROLES)
def test_a_role_uses_the_keys_of_what_it_reads_and_writes_only_through_the_service_that_stores_it(role: str) -> None:
    policy = named_policy(role)
    used = {KEY_OF[resource] for _, _, resource in grants_of(policy) if resource in KEY_OF}
    on_behalf = [statement for statement in policy["Statement"] if is_on_behalf(statement)]
    assert {key for statement in on_behalf for key in several(statement["Resource"])} == used
    assert all(statement["Action"] == ["kms:GenerateDataKey", "kms:Decrypt"] for statement in on_behalf)
    services = {
        via.split(".")[0] for each in on_behalf for via in several(each["Condition"]["StringEquals"]["kms:ViaService"])
    }
    assert services == {"runs": {"s3"}, "services": {"s3", "sns", "sqs"}}[role]


def test_metrics_are_written_in_the_namespace_of_the_program_alone() -> None:
    (sending,) = [
        each for each in named_policy("services")["Statement"] if each["Action"] == "cloudwatch:PutMetricData"
    ]
    assert sending["Condition"] == {"StringEquals": {"cloudwatch:namespace": NAMESPACE}}


def test_services_can_write_no_data_and_open_no_vault() -> None:
    grants = list(grants_of(named_policy("services")))
    assert {resource for _, action, resource in grants if action in ("s3:PutObject", "s3:DeleteObject")} == {
        "data/landing/emergency/*"
    }
    assert not any("vault" in resource or "backup" in resource for _, _, resource in grants)


def test_a_server_without_terraform_may_do_the_same_as_runs_and_keep_its_master_key_in_a_secret() -> None:
    grants = {(action, resource) for _, action, resource in grants_of(named_policy("server"))}
    assert grants >= {(action, resource) for _, action, resource in grants_of(named_policy("runs"))}
    assert {resource for action, resource in grants if action.startswith("secretsmanager:")} == {"master"}
