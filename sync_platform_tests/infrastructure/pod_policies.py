"""The policies of the roles of the program: the very files that Terraform ships, and the one that the docs give.

What belongs here: their text with the ARNs of one account, and parts of them. Who enforces them is in
emulated_account.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sync_platform_tests.infrastructure.terraform import FOLDER
from sync_platform_tests.tree import ROOT

MODULE = FOLDER / "modules" / "access"
VARIABLE = re.compile(r"\$\{(\w+)\}")
EXAMPLES = {
    "arn:aws:s3:::example-data": "${data_bucket_arn}",
    "arn:aws:s3:::example-backup": "${backup_bucket_arn}",
    "arn:aws:s3:::example-vault-backup": "${vault_backup_bucket_arn}",
    "arn:aws:kms:…:key/…": "${vault_key_arn}",
    "arn:aws:secretsmanager:…:secret:sync-platform/master-key-*": "${master_secret_arn}",
}
"""The ARNs of docs/operations.md, and the variables that they stand for."""
Policy = dict[str, Any]
Grant = tuple[int, str, str]
"""The number of a statement, one of its actions, and one of its resources."""


def _documented() -> str:
    """The policy of docs/operations.md, for a server without Terraform."""
    (text,) = re.findall(r'```json\n(\{"Version".*?)```', (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)
    for example, variable in EXAMPLES.items():
        text = text.replace(example, variable)
    return str(text)


POD_ROLES = ("runs", "services")
TEXTS = {role: (MODULE / "policies" / f"{role}.json.tftpl").read_text() for role in POD_ROLES}
TEXTS |= {"server": _documented()}
"""The policy of each role, with variables."""


def policy_of(role: str, values: Mapping[str, str]) -> Policy:
    """The policy of a role; KeyError where it has a variable that is not among the values."""
    return dict(json.loads(VARIABLE.sub(lambda found: values[found[1]], TEXTS[role])))


def variables_of(role: str) -> set[str]:
    """The names of the variables of a policy."""
    return set(VARIABLE.findall(TEXTS[role]))


def named_policy(role: str) -> Policy:
    """The policy of a role with names in place of ARNs: `data/lake/*`, `vault`."""
    names = {each: re.sub(r"_(bucket|key|topic|queue|secret)_arn$", "", each) for each in variables_of(role)}
    return policy_of(role, {variable: name.replace("_", "-") for variable, name in names.items()})


def grants_of(policy: Policy) -> Iterator[Grant]:
    """Every action on every resource that a role itself may do. What AWS does on its behalf is left out."""
    for number, statement in enumerate(policy["Statement"]):
        if not is_on_behalf(statement):
            for action in several(statement["Action"]):
                yield from ((number, action, resource) for resource in several(statement["Resource"]))


def is_on_behalf(statement: Policy) -> bool:
    """True if a statement applies only where a service of AWS, such as S3, uses a key for the role."""
    return "kms:ViaService" in statement.get("Condition", {}).get("StringEquals", {})


def grant_named(role: str, policy: Policy, name: str) -> Grant:
    """The grant of a role's policy that is named like `s3:GetObject data/lake/*`; StopIteration where there is none."""
    pairs = zip(grants_of(named_policy(role)), grants_of(policy), strict=True)
    return next(grant for (_, action, resource), grant in pairs if f"{action} {resource}" == name)


def without(policy: Policy, grant: Grant) -> Policy:
    """The policy, but for one action on one resource."""
    number, action, resource = grant
    statements = list(policy["Statement"])
    reduced = statements.pop(number)
    others = [each for each in several(reduced["Action"]) if each != action]
    resources = [each for each in several(reduced["Resource"]) if each != resource]
    if others:
        statements.append(reduced | {"Action": others})
    if resources:
        statements.append(reduced | {"Sid": "OtherResources", "Action": action, "Resource": resources})
    return policy | {"Statement": statements}


def several(value: str | list[str]) -> list[str]:
    """The values of an element of a policy, which is one text or a list."""
    return [value] if isinstance(value, str) else value
