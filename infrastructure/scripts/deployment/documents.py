"""The JSON documents of a deployment: Terraform's outputs and the secrets of AWS become what the chart needs.

Only Python's standard library: it runs on the machine that deploys. A wrong document ends it with exit code 1 and a
message; no value of a secret is in a message.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEEDED = {
    "runs": ("LEDGER", "LAKE_CATALOG", "DAGSTER_POSTGRES_URL", "VAULT"),
    "services": ("LEDGER", "LAKE_CATALOG", "DAGSTER_POSTGRES_URL"),
    "keys": ("backup.key",),
}
"""The settings, or the key files, that each secret of the chart must have."""
SOURCES = {"runs": ("databases", "platforms", "login"), "services": ("databases",), "keys": ("keys",)}
"""The secrets of Secrets Manager that each secret of the chart is made from, by Terraform's names."""
SECRETS = ("databases", "platforms", "login", "keys")
NEEDED_OUTPUTS = ("settings", "cluster", "role_arns", "image_repository", "secret_arns")
Document = dict[str, Any]


def region(file: str) -> str:
    """The region that is deployed; empty where nothing is."""
    settings = outputs(file).get("settings", {})
    return str(settings.get("AWS_REGION", ""))


def output(file: str, name: str) -> str:
    """An output of Terraform, empty where it has none; of `secret_arns`, those of SECRETS."""
    value = outputs(file).get(name, "")
    return " ".join(value[secret] for secret in SECRETS) if name == "secret_arns" else str(value)


def environment(file: str) -> str:
    """The settings that the infrastructure decides, a line for each: for `docker run --env-file`, or for a shell."""
    found = outputs(file)
    missing = [name for name in NEEDED_OUTPUTS if not found.get(name)]
    require(not missing, f"Terraform has no output {', '.join(missing)}")
    return "\n".join(f"{name}={value}" for name, value in sorted(found["settings"].items()))


def values(file: str, tag: str) -> str:
    """The values of the chart that the infrastructure decides."""
    found = outputs(file)
    document = {
        "image": {"repository": found["image_repository"], "tag": tag},
        "roleArns": found["role_arns"],
        "settings": found["settings"],
    }
    return json.dumps(document, indent=2)


def secret(kind: str) -> str:
    """The secret of the chart of this kind, as Kubernetes takes it, from what Secrets Manager answered."""
    answer = answer_before()
    missing = [each["SecretId"] for each in answer.get("Errors", [])]
    require(not missing, f"no value yet, write it with `aws secretsmanager put-secret-value`: {', '.join(missing)}")
    settings: dict[str, str] = {}
    for each in answer["SecretValues"]:
        if each["Name"].rpartition("/")[2] in SOURCES[kind]:
            settings |= settings_in(each)
    if kind == "services":
        settings.pop("VAULT", None)
    lacking = [name for name in NEEDED[kind] if not settings.get(name)]
    require(not lacking, f"{', '.join(lacking)}: missing in the secret `{SOURCES[kind][0]}`")
    metadata = {"name": f"sync-platform-{kind}"}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": settings})


def revision() -> str:
    """The revision of the chart that is installed, from `helm list`; empty where none is."""
    found = answer_before()
    return str(found[0]["revision"]) if found else ""


def field(name: str) -> str:
    """One field of a document."""
    return str(answer_before()[name])


def answer_before() -> Any:
    """What the command before in the pipeline answered."""
    try:
        return json.load(sys.stdin)
    except json.JSONDecodeError:
        sys.exit("the command before gave no answer that can be read; its message is above")


def outputs(file: str) -> Document:
    return {name: each["value"] for name, each in json.loads(Path(file).read_text()).items()}


def settings_in(secret_value: Document) -> dict[str, str]:
    """The settings in one secret: a JSON object of texts."""
    name = secret_value["Name"]
    try:
        found = json.loads(secret_value["SecretString"])
    except json.JSONDecodeError:
        found = None
    is_right = isinstance(found, dict) and all(isinstance(value, str) for value in found.values())
    require(is_right, f"{name}: its value must be a JSON object of settings, each a text; {{}} for none")
    return dict(found)


def require(is_so: bool, problem: str) -> None:
    if not is_so:
        sys.exit(problem)


COMMANDS: dict[str, Callable[..., str]] = {
    each.__name__: each for each in (region, output, environment, values, secret, revision, field)
}

if __name__ == "__main__":
    sys.stdout.write(COMMANDS[sys.argv[1]](*sys.argv[2:]) + "\n")
