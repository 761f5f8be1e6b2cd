"""The program does its work as each role that Terraform ships or the docs give, and the role may do nothing more.

The policies are enforced by an emulator of AWS. It has no cluster, uses no keys on behalf of S3, SNS and SQS, and knows
no namespaces of metrics: what it cannot show is compared with the files in test_pod_policies.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sync_platform_tests.infrastructure import run_operations, secret_operations, service_operations
from sync_platform_tests.infrastructure.emulated_account import EmulatedAccount, emulated_account
from sync_platform_tests.infrastructure.pod import Pod
from sync_platform_tests.infrastructure.pod_policies import grant_named, grants_of, named_policy, without
from sync_platform_tests.infrastructure.terraform import Declared

OPERATIONS = {
    "runs": run_operations.OPERATIONS,
    "services": service_operations.OPERATIONS,
    "server": run_operations.OPERATIONS | secret_operations.OPERATIONS,
}
REFUSED = r"AccessDenied|AuthorizationError|not authorized|Forbidden|\b403\b"
CASES = [
    (role, name)
    for role, operations in OPERATIONS.items()
    for name in operations
    if role != "server" or name in secret_operations.OPERATIONS  # the others are those of runs
]
EVENT = {"platforms": ["chope"], "reason": "menus are wrong"}
OUTSIDE: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "runs": [
        ("s3", "get_object", {"Bucket": "example-somebody-elses", "Key": "a"}),
        ("s3", "put_object", {"Bucket": "example-somebody-elses", "Key": "a", "Body": b""}),
        ("s3", "list_objects_v2", {"Bucket": "example-somebody-elses"}),
        ("s3", "delete_bucket", {"Bucket": "example-data"}),
        ("s3", "put_bucket_policy", {"Bucket": "example-data", "Policy": "{{}}"}),
        ("kms", "generate_data_key", {"KeyId": "{somebody_elses_key_arn}", "KeySpec": "AES_256"}),
        ("kms", "generate_data_key", {"KeyId": "{data_key_arn}", "KeySpec": "AES_256"}),
        ("kms", "schedule_key_deletion", {"KeyId": "{vault_key_arn}"}),
        ("sns", "publish", {"TopicArn": "{alerts_topic_arn}", "Message": "no"}),
        ("sqs", "receive_message", {"QueueUrl": "{queue_url}"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "databases"}),
        ("iam", "list_roles", {}),
    ],
    "services": [
        ("s3", "put_object", {"Bucket": "example-data", "Key": "lake/a.parquet", "Body": b""}),
        ("s3", "delete_object", {"Bucket": "example-data", "Key": "landing/a"}),
        ("s3", "get_object", {"Bucket": "example-data", "Key": "landing/a"}),
        ("s3", "get_object", {"Bucket": "example-backup", "Key": "a"}),
        ("s3", "list_objects_v2", {"Bucket": "example-vault-backup"}),
        ("kms", "decrypt", {"KeyId": "{vault_key_arn}", "CiphertextBlob": b"a"}),
        ("kms", "generate_data_key", {"KeyId": "{messages_key_arn}", "KeySpec": "AES_256"}),
        ("sqs", "send_message", {"QueueUrl": "{queue_url}", "MessageBody": "{{}}"}),
        ("sqs", "purge_queue", {"QueueUrl": "{queue_url}"}),
        ("sns", "subscribe", {"TopicArn": "{alerts_topic_arn}", "Protocol": "email", "Endpoint": "a@example.org"}),
        ("secretsmanager", "get_secret_value", {"SecretId": "databases"}),
        ("iam", "list_roles", {}),
    ],
}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedAccount]:
    with emulated_account(tmp_path_factory.mktemp("account")) as found:
        yield found


@pytest.fixture(scope="module")
def pods(account: EmulatedAccount, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pod]:
    """A pod of each role, in one installation."""
    home = tmp_path_factory.mktemp("pods") / "home"
    return {name: Pod(account.role(name), home) for name in OPERATIONS}


@pytest.fixture(scope="module")
def synced(pods: dict[str, Pod]) -> None:
    """The installation has data, a backup and a backup of its vault, made by runs."""
    for operation in (run_operations.sync, run_operations.back_up, run_operations.back_up_vault):
        operation(pods["runs"])


@pytest.mark.parametrize("role", OPERATIONS)
def test_each_action_that_a_role_may_do_is_needed_for_an_operation(role: str) -> None:
    assert [f"{action} {resource}" for _, action, resource in grants_of(named_policy(role))] == list(OPERATIONS[role])


@pytest.mark.full
@pytest.mark.parametrize(("role", "name"), CASES)
def test_an_operation_works_with_the_policy_and_fails_without_one_of_its_actions(
    pods: dict[str, Pod], role: str, name: str, request: pytest.FixtureRequest
) -> None:
    if role == "runs" or "lake" in name:
        request.getfixturevalue("synced")
    pod, operation = pods[role], OPERATIONS[role][name]
    policy = pod.role.account.policy(role)
    pod.role.may(without(policy, grant_named(role, policy, name)))
    try:
        with pytest.raises(Exception, match=REFUSED):
            operation(pod)
    finally:
        pod.role.may(policy)
    operation(pod)


@pytest.mark.full
@pytest.mark.usefixtures("synced")
def test_a_round_of_the_watch_is_complete(pods: dict[str, Pod]) -> None:
    service_operations.make_round(pods["services"])


@pytest.mark.full
@pytest.mark.parametrize("role", OUTSIDE)
def test_what_no_policy_names_is_refused(pods: dict[str, Pod], role: str) -> None:
    pod = pods[role]
    known = pod.role.account.arns | {"queue_url": pod.role.account.queue_url}
    done = []
    for service, action, arguments in OUTSIDE[role]:
        filled = {name: each.format(**known) if isinstance(each, str) else each for name, each in arguments.items()}
        try:
            getattr(pod.role.client(service), action)(**filled)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403 or "AccessDenied" in str(error):
                continue
        done.append((service, action, arguments))
    assert done == []


@pytest.mark.full
def test_an_event_that_terraforms_rule_takes_becomes_a_request(pods: dict[str, Pod]) -> None:
    account = pods["services"].role.account
    (rule,) = Declared("production").of("aws_cloudwatch_event_rule")
    events = account.client("events")
    events.put_rule(Name="emergency", EventPattern=rule["event_pattern"])
    events.put_targets(Rule="emergency", Targets=[{"Id": "queue", "Arn": account.arns["emergency_queue_arn"]}])
    entry = {"Source": "sync-platform.emergency", "DetailType": "EmergencySync", "Detail": json.dumps(EVENT)}
    events.put_events(Entries=[entry, entry | {"Source": "somebody-else"}])
    assert len(service_operations.taken_messages(pods["services"])) == 1
