"""A rehearsed deployment: the script with stand-ins for every tool that reaches out, which record how they are called.

The script runs in a copy of the folders that it uses. Its PATH has the stand-ins and a few tools of the system.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_platform_tests.tree import ROOT

SCRIPT = "infrastructure/scripts/deploy-production-sync.sh"
STAND_INS = ("aws", "curl", "docker", "git", "helm", "kubectl", "make", "sleep", "terraform")
OF_THE_SYSTEM = ("bash", "cat", "cksum", "dirname", "env", "mkdir", "mv", "rm", "sed", "sort")
STAND_IN = """\
#!/usr/bin/env bash
call="${0##*/} $*"
case $call in
  "kubectl apply"*)
    input=$(cat)
    [[ ! $input =~ sync-platform-(runs|services|keys) ]] || printf '%s' "$input" > "${BASH_REMATCH[1]}.json" ;;
  "docker login"*) cat > password ;;
  "kubectl get secrets"*) cat runs.json services.json keys.json 2> /dev/null | cksum ;;
  sleep*) [[ ! -f answers.later ]] || mv answers.later answers ;;
esac
printf '%s\\n' "$call" >> calls
while read -r code pattern; do
  read -r output
  if [[ $call == $pattern ]]; then
    [[ -z $output ]] || printf '%s\\n' "$output"
    exit "$code"
  fi
done < answers
"""
ACCOUNT = "123456789012"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.ap-southeast-1.amazonaws.com/example-staging"
COMMIT = "0123456789ab"
ADDRESS = "https://sync.example.org"
SECRETS = {
    "databases": {
        "LEDGER": "postgresql://secret-ledger",
        "LAKE_CATALOG": "postgres:secret-catalog",
        "DAGSTER_POSTGRES_URL": "postgresql+psycopg2://secret-dagster",
        "VAULT": "postgresql://secret-vault",
    },
    "platforms": {"OPENRICE_API_KEY": "secret-openrice"},
    "login": {"OIDC_CLIENT_SECRET": "secret-login"},
    "keys": {"backup.key": "secret-key-of-the-backup"},
}
OUTPUTS: dict[str, Any] = {
    "settings": {"ENVIRONMENT": "staging", "AWS_REGION": "ap-southeast-1", "LANDING": "s3://example-data/landing"},
    "cluster": "example-staging",
    "role_arns": {name: f"arn:aws:iam::{ACCOUNT}:role/example-staging-{name}" for name in ("runs", "services")},
    "image_repository": REPOSITORY,
    "secret_arns": {name: f"arn:{name}" for name in (*SECRETS, "recovery-key")},
}
REQUEST = "kubectl exec * emergency data_gov_hk *"
STATUS = "kubectl exec * emergency status *"


def outputs(**changed: Any) -> str:
    """What `terraform output -json` writes."""
    return json.dumps({name: {"value": value} for name, value in (OUTPUTS | changed).items()})


def secret_values(**changed: str) -> str:
    """What Secrets Manager answers; `changed`: the text of a secret by its name."""
    texts = {name: json.dumps(settings) for name, settings in SECRETS.items()} | changed
    values = [{"Name": f"example-staging/{name}", "SecretString": text} for name, text in texts.items()]
    return json.dumps({"SecretValues": values, "Errors": []})


@dataclass
class Rehearsal:
    """A copy of the script and its folders, and the answers of the stand-ins: by pattern, an exit code and a text."""

    folder: Path
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shutil.copytree(ROOT / "infrastructure" / "scripts", self.folder / "infrastructure" / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.folder)
        for file in ("terraform/environments/staging/backend.hcl", "terraform/environments/staging/terraform.tfvars"):
            self.write(f"infrastructure/{file}", "")
        self.write("infrastructure/deployments/staging/values.yaml", "")
        self._install()
        self.answers = {
            "terraform version": (0, "Terraform v1.11.4"),
            "terraform * output *": (0, outputs()),
            "aws secretsmanager *": (0, secret_values()),
            "aws eks list-clusters *": (0, "example-staging"),
            "aws ecr get-login-password *": (0, "password"),
            "git rev-parse *": (0, COMMIT),
            "helm list *": (0, '[{"revision": "3", "status": "deployed"}]'),
            "kubectl get configmap *": (0, ADDRESS),
            REQUEST: (0, '{"request_id": "request-1"}'),
            STATUS: (0, '{"status": "complete"}'),
        }

    @property
    def calls(self) -> list[str]:
        """What was called, in order."""
        file = self.folder / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def fail_at(self, pattern: str) -> None:
        """Calls that match the pattern fail, whatever was to be answered."""
        others = {known: answer for known, answer in self.answers.items() if known != pattern}
        self.answers = {pattern: (1, "")} | others

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def answer(self, name: str, answers: dict[str, tuple[int, str]]) -> None:
        self.write(name, "".join(f"{code} {pattern}\n{text}\n" for pattern, (code, text) in answers.items()))

    def run(self, *arguments: str, typed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the script for staging; the calls of earlier runs are forgotten."""
        (self.folder / "calls").unlink(missing_ok=True)
        self.answer("answers", self.answers)
        return subprocess.run(
            [self.folder / SCRIPT, *(arguments or ("staging", "ap-southeast-1", "--apply"))],
            cwd=self.folder,
            env={"PATH": str(self.folder / "bin"), "LANG": "C.UTF-8", **variables},
            input=typed,
            capture_output=True,
            text=True,
        )

    def _install(self) -> None:
        folder = self.folder / "bin"
        folder.mkdir()
        self.write("bin/stand-in", STAND_IN)
        (folder / "stand-in").chmod(0o755)
        for name in STAND_INS:
            (folder / name).symlink_to("stand-in")
        for name in OF_THE_SYSTEM:
            found = shutil.which(name)
            assert found is not None, name
            (folder / name).symlink_to(found)
        (folder / "python3").symlink_to(os.path.realpath(sys.executable))


def printed_calls(dry_run: str) -> list[str]:
    """The calls of stand-ins that a dry run has printed, in order, as a stand-in records them."""
    calls = []
    for line in dry_run.splitlines():
        if line.startswith("  ") and not line.startswith("  #"):
            calls += [" ".join(shlex.split(part.partition(" > ")[0])) for part in line.split(" | ")]
    return [call.strip() for call in calls if call.split()[0] in STAND_INS]
