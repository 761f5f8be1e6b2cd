"""An account of AWS in the emulator ministack, which enforces the policies of IAM; on loopback only.

What belongs here: the server, what Terraform would make in the account, and its roles. What doesn't: what a role does.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from sync_platform.storage.amazon_session import amazon_session
from sync_platform_tests.infrastructure.pod_policies import Policy, policy_of
from sync_platform_tests.services import NOT_TESTED, first_that_starts, free_ports, installed_program, running

ACCOUNT = "000000000000"
REGION, STANDBY_REGION = "ap-southeast-1", "ap-northeast-1"
BUCKETS = ("data", "backup", "vault-backup", "somebody-elses")
KEYS = ("data", "backups", "vault", "vault-backup", "messages", "somebody-elses")
ADMINISTRATOR = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "administrator"}
"""The key of the emulator's root user, whom no policy limits."""
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}
"""Who may take a role. On EKS that is a service account of the cluster; the emulator has no cluster."""
MASTER_SECRET = "sync-platform/master-key"
POLICY = "program"
NAMESPACE = "cloudwatch:namespace"


@dataclass(frozen=True)
class EmulatedAccount:
    """A running account: its endpoint, and the ARN of each thing in it."""

    endpoint: str
    arns: dict[str, str]
    queue_url: str

    def client(self, service: str, **credentials: str) -> Any:
        return _client(self.endpoint, service, **credentials)

    def policy(self, role: str) -> Policy:
        """The policy of a role; without the namespace of metrics, which the emulator does not know."""
        policy = policy_of(role, {"region": REGION, "standby_region": STANDBY_REGION, **self.arns})
        return policy | {"Statement": [_understood(each) for each in policy["Statement"]]}

    def role(self, name: str) -> EmulatedRole:
        """A role with the policy of that name, and a session of it, as a pod has it."""
        trust = json.dumps(TRUST)
        arn = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="pod")["Credentials"]
        keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        made = EmulatedRole(self, name, *(str(taken[key]) for key in keys))
        made.may(self.policy(name))
        return made

    @property
    def settings(self) -> dict[str, str]:
        """The settings of the program that Terraform prints for this installation, and the emulator's address."""
        return {
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "LAKE_DATA": f"s3://{_bucket('data')}/lake",
            "LANDING": f"s3://{_bucket('data')}/landing",
            "S3_BACKUP_BUCKET": _bucket("backup"),
            "S3_BACKUP_KMS_KEY_ID": self.arns["backups_key_arn"],
            "VAULT_BACKUP": f"s3://{_bucket('vault-backup')}",
            "VAULT_KMS_KEY_ID": self.arns["vault_key_arn"],
            "SNS_TOPIC_ARN": self.arns["alerts_topic_arn"],
            "CLOUDWATCH_METRICS": "true",
            "EMERGENCY_QUEUE_URL": self.queue_url,
        }


@dataclass(frozen=True)
class EmulatedRole:
    """A role, and the credentials of a session of it. A policy that is replaced applies to the session at once."""

    account: EmulatedAccount
    name: str
    access_key: str
    secret_key: str
    token: str

    def may(self, policy: Policy) -> None:
        """Replace the policy of the role."""
        document = json.dumps(policy)
        self.account.client("iam").put_role_policy(RoleName=self.name, PolicyName=POLICY, PolicyDocument=document)

    @property
    def environment(self) -> dict[str, str]:
        """What a process of the pod has in its environment."""
        credentials = {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token,
        }
        return self.account.settings | credentials

    def client(self, service: str) -> Any:
        return self.account.client(
            service,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            aws_session_token=self.token,
        )


@contextmanager
def emulated_account(folder: Path) -> Iterator[EmulatedAccount]:
    """An account with everything that the pods use; the test is skipped where the emulator is not installed."""
    program = installed_program("ministack", Path(sys.prefix) / "emulator" / "bin")
    if program is None:
        pytest.skip(f"IAM {NOT_TESTED}: there is no `ministack` (make test-full installs it)")
    with ExitStack() as stack:
        endpoint = first_that_starts(lambda: stack.enter_context(_ministack(program, folder)))
        yield _furnished(endpoint)


@contextmanager
def _ministack(program: Path, folder: Path) -> Iterator[str]:
    (port,) = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    own = {"AUTH": "true", "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION}
    environment = {**os.environ, **own, "HOME": str(folder)}

    def answers() -> None:
        _client(endpoint, "sts").get_caller_identity()

    with running([program], answers, folder / "ministack.log", signal.SIGTERM, cwd=folder, env=environment):
        yield endpoint


def _furnished(endpoint: str) -> EmulatedAccount:
    s3, kms, sqs = (_client(endpoint, service) for service in ("s3", "kms", "sqs"))
    arns = {}
    for name in BUCKETS:
        s3.create_bucket(Bucket=_bucket(name), CreateBucketConfiguration={"LocationConstraint": REGION})
        arns[f"{name}_bucket_arn"] = f"arn:aws:s3:::{_bucket(name)}"
    for name in KEYS:
        arns[f"{name}_key_arn"] = kms.create_key()["KeyMetadata"]["Arn"]
    arns["alerts_topic_arn"] = _client(endpoint, "sns").create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="emergency", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    arns["emergency_queue_arn"] = attributes["QueueArn"]
    # AWS names a secret with six more characters, also one that does not exist yet; the emulator does not
    arns["master_secret_arn"] = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{MASTER_SECRET}*"
    address = f"{endpoint}/{ACCOUNT}/emergency"
    return EmulatedAccount(endpoint, {name.replace("-", "_"): arn for name, arn in arns.items()}, address)


def _understood(statement: Policy) -> Policy:
    condition = statement.get("Condition", {}).get("StringEquals", {})
    return {name: each for name, each in statement.items() if name != "Condition" or NAMESPACE not in condition}


def _bucket(name: str) -> str:
    return f"example-{name}"


def _client(endpoint: str, service: Any, **credentials: str) -> Any:
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, s3={"addressing_style": "path"})
    given = credentials or ADMINISTRATOR
    return amazon_session().client(service, endpoint_url=endpoint, region_name=REGION, config=config, **given)
