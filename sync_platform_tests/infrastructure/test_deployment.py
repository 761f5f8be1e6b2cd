"""The script that deploys to AWS: what it calls, in which order, where it stops, and how it goes back."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import pytest

from sync_platform import __version__
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.infrastructure.chart import rendered
from sync_platform_tests.infrastructure.deployment import (
    ADDRESS,
    COMMIT,
    OUTPUTS,
    REPOSITORY,
    REQUEST,
    SCRIPT,
    SECRETS,
    STATUS,
    Rehearsal,
    outputs,
    printed_calls,
    secret_values,
)
from sync_platform_tests.tree import ROOT

GOLDEN = Path(__file__).with_name("deployment_dry_run.txt")
TAG = f"{__version__}-{COMMIT}"
STAND_INS_OF_DRY_RUN = {
    "<image_repository>": REPOSITORY,
    "<commit>": COMMIT,
    "<cluster>": str(OUTPUTS["cluster"]),
    "<secret_arns>": "arn:databases arn:platforms arn:login arn:keys",
    "<address>": ADDRESS,
    "<request>": "request-1",
}


@pytest.fixture
def rehearsal(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path)


@dataclass
class Deployed:
    """A rehearsal that has deployed once: the result of the script, and its calls."""

    rehearsal: Rehearsal
    done: subprocess.CompletedProcess[str]
    calls: list[str]

    @property
    def folder(self) -> Path:
        return self.rehearsal.folder / "infrastructure" / "deployments" / "staging"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """One deployment for the tests that look at what it did."""
    rehearsal = Rehearsal(tmp_path_factory.mktemp("deployed"))
    return Deployed(rehearsal, rehearsal.run(), rehearsal.calls)


def dry_run(action: str) -> str:
    command = [ROOT / SCRIPT, "staging", "ap-southeast-1", action, "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=True)
    return done.stdout


def test_shellcheck_finds_nothing_to_complain_about() -> None:
    checker = Path(sys.executable).with_name("shellcheck")
    command = [checker, "--external-sources", "--check-sourced", ROOT / SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_dry_run_prints_what_it_is_known_to_do() -> None:
    """After an intended change, delete the file, run this test again, and read the difference."""
    text = "".join(f"# {action}{dry_run(action)}\n" for action in ("--plan", "--apply", "--destroy"))
    text = text.replace(__version__, "<version>")
    if not GOLDEN.exists():
        GOLDEN.write_text(text)
        pytest.fail(f"{GOLDEN.name} was missing and has been written: look at it, and run again")
    assert text == GOLDEN.read_text(), f"{GOLDEN.name} is out of date: delete it, and run this again"


def test_a_deployment_does_what_the_dry_run_prints(deployed: Deployed) -> None:
    done = deployed.done
    assert done.returncode == 0, done.stderr
    expected = printed_calls(dry_run("--apply"))
    for stand_in, value in STAND_INS_OF_DRY_RUN.items():
        expected = [call.replace(stand_in, value) for call in expected]
    repository = REPOSITORY.partition("/")
    expected = [
        call.replace(f"--repository-name {REPOSITORY}", f"--repository-name {repository[2]}") for call in expected
    ]
    expected = [
        call.replace(f"--password-stdin {REPOSITORY}", f"--password-stdin {repository[0]}") for call in expected
    ]
    assert sorted(deployed.calls) == sorted(expected)  # the two ends of a pipeline begin at the same time
    one_by_one = [
        call for call in expected if not call.startswith(("aws", "kubectl apply", "kubectl create", "docker"))
    ]
    assert [call for call in deployed.calls if call in one_by_one] == one_by_one
    assert f"server     {ADDRESS}\n" in done.stdout
    shown = done.stdout + done.stderr + "".join(deployed.calls)
    assert not [value for each in SECRETS.values() for value in each.values() if value in shown]


def test_the_chart_gets_what_terraform_decided(deployed: Deployed) -> None:
    values = json.loads((deployed.folder / "generated-values.json").read_text())
    assert values["image"] == {"repository": REPOSITORY, "tag": TAG}
    assert values["settings"] == OUTPUTS["settings"] and values["roleArns"] == OUTPUTS["role_arns"]
    assert rendered(values)
    assert "LANDING=s3://example-data/landing\n" in (deployed.folder / "environment").read_text()
    assert (deployed.folder / "environment").stat().st_mode & 0o077 == 0


def test_services_get_no_secret_of_the_vault_and_of_platforms(deployed: Deployed) -> None:
    kinds = ("runs", "services", "keys")
    found = {kind: json.loads((deployed.rehearsal.folder / f"{kind}.json").read_text()) for kind in kinds}
    settings = {name: text for secret, each in SECRETS.items() if secret != "keys" for name, text in each.items()}
    assert found["runs"]["stringData"] == settings
    assert found["keys"]["stringData"] == SECRETS["keys"]
    assert found["services"]["stringData"].keys() == SECRETS["databases"].keys() - {"VAULT"}
    assert found["services"]["metadata"] == {"name": "sync-platform-services"}


def test_a_repeat_builds_no_image_again_and_restarts_nothing(deployed: Deployed) -> None:
    rehearsal = deployed.rehearsal
    rehearsal.answers["aws ecr list-images *"] = (0, TAG)
    assert rehearsal.run().returncode == 0
    assert not [call for call in rehearsal.calls if call.startswith(("make", "docker tag", "docker push"))]
    assert not [call for call in rehearsal.calls if "rollout" in call]


@pytest.mark.full  # the deployment that the dry run is compared with restarts them too
def test_pods_start_anew_where_a_secret_has_changed(rehearsal: Rehearsal) -> None:
    rehearsal.run()
    rehearsal.answers["aws secretsmanager *"] = (0, secret_values(login='{"OIDC_CLIENT_SECRET": "new"}'))
    assert rehearsal.run().returncode == 0
    assert [call.split()[2] for call in rehearsal.calls if "rollout" in call] == ["restart", "status"]


AFTER_THE_CHART = ("kubectl exec * migrate --check", "curl *", REQUEST)
FAILING = [
    "terraform * plan *",
    "helm upgrade *",
    *(
        only_in_full(pattern)
        for pattern in (
            "terraform version",
            "aws sts *",
            "docker version",
            "terraform * init *",
            "terraform * output *",
            "terraform * apply *",
            "git rev-parse *",
            "aws ecr list-images *",
            "git status *",
            "make image *",
            "docker tag *",
            "docker login *",
            "docker push *",
            "aws eks update-kubeconfig *",
            "kubectl version *",
            "kubectl apply --server-side -f -",
            "kubectl label *",
            "kubectl get secrets *",
            "kubectl apply --server-side --force-conflicts *",
            "helm list *",
            "kubectl exec * backup create",
        )
    ),
]


@pytest.mark.parametrize("pattern", FAILING)
def test_it_stops_at_the_first_failure_and_says_what_to_do(rehearsal: Rehearsal, pattern: str) -> None:
    rehearsal.fail_at(pattern)
    done = rehearsal.run()
    assert done.returncode != 0
    assert fnmatch(rehearsal.calls[-1], pattern)
    assert "Stopped at: " in done.stderr and "Then give the same command again" in done.stderr
    assert not [call for call in rehearsal.calls if call.startswith("helm rollback")]


@pytest.mark.parametrize("pattern", [AFTER_THE_CHART[1], *map(only_in_full, AFTER_THE_CHART[::2])])
def test_the_chart_goes_back_where_what_it_installed_does_not_work(rehearsal: Rehearsal, pattern: str) -> None:
    rehearsal.fail_at(pattern)
    done = rehearsal.run()
    assert done.returncode != 0
    assert fnmatch(rehearsal.calls[-2], pattern) and rehearsal.calls[-1].startswith("helm rollback sync-platform 3 ")


@pytest.mark.full  # the test above has the way back
def test_it_waits_for_the_emergency_sync_and_goes_back_where_that_fails(rehearsal: Rehearsal) -> None:
    rehearsal.answers[STATUS] = (0, '{"status": "running"}')
    rehearsal.answer("answers.later", rehearsal.answers | {STATUS: (1, '{"status": "degraded"}')})
    done = rehearsal.run()
    assert (done.returncode, "request request-1: degraded" in done.stderr) == (1, True)
    assert rehearsal.calls[-3] == "sleep 10" and rehearsal.calls[-1].startswith("helm rollback")


def test_a_first_installation_has_no_backup_and_no_way_back(rehearsal: Rehearsal) -> None:
    rehearsal.answers |= {"helm list *": (0, "[]"), "curl *": (22, "")}
    done = rehearsal.run()
    assert (done.returncode, "This was the first installation" in done.stderr) == (22, True)
    assert not [call for call in rehearsal.calls if "backup create" in call or "rollback" in call]


@pytest.mark.parametrize(
    "settings, problem",
    [
        ({"databases": "{}"}, "LEDGER, LAKE_CATALOG, DAGSTER_POSTGRES_URL, VAULT: missing in the secret `databases`"),
        ({"keys": "{}"}, "backup.key: missing in the secret `keys`"),
        only_in_full({"login": "not JSON"}, "example-staging/login: its value must be a JSON object of settings"),
    ],
    ids=["missing", "no-key", "no-json"],
)
def test_secrets_that_cannot_be_used_are_named_without_their_values(
    rehearsal: Rehearsal, settings: dict[str, str], problem: str
) -> None:
    rehearsal.answers["aws secretsmanager *"] = (0, secret_values(**settings))
    done = rehearsal.run()
    assert (done.returncode, problem in done.stderr, "not JSON" in done.stderr) == (1, True, False)
    assert not [call for call in rehearsal.calls if call.startswith("helm")]


def test_nothing_is_changed_without_the_tools_the_files_and_the_right_region(rehearsal: Rehearsal) -> None:
    rehearsal.answers["terraform * output *"] = (0, outputs(settings={"AWS_REGION": "ap-east-1"}))
    assert "staging is deployed in ap-east-1" in rehearsal.run().stderr
    values = rehearsal.folder / "infrastructure" / "deployments" / "staging" / "values.yaml"
    values.unlink()
    assert f"{values.relative_to(rehearsal.folder)} is missing" in rehearsal.run().stderr
    rehearsal.answers["terraform version"] = (0, "Terraform v1.9.8")
    assert "Terraform 1.9.8 is installed; 1.11 or newer is needed" in rehearsal.run().stderr
    (rehearsal.folder / "bin" / "helm").unlink()
    assert "not installed: helm" in rehearsal.run().stderr
    assert rehearsal.calls == []


def test_it_asks_before_it_changes_anything_unless_it_is_told_to(rehearsal: Rehearsal) -> None:
    for action in ((), ("--destroy",)):
        done = rehearsal.run("staging", "ap-southeast-1", *action, typed="yes\n")
        assert (done.returncode, "not confirmed" in done.stderr) == (1, True)
        assert not [call for call in rehearsal.calls if " apply " in call or "uninstall" in call]
    assert rehearsal.run("staging", "ap-southeast-1", "--destroy", typed="staging\n").returncode == 0
    changing = [call for call in rehearsal.calls if " apply " in call or "uninstall" in call]
    assert [call.split()[0] for call in changing] == ["helm", "terraform"]


@pytest.mark.parametrize(
    "arguments, problem",
    [
        (["staging"], "name an environment and a region"),
        (["test", "ap-southeast-1"], "unknown environment test"),
        (["staging", "singapore"], "singapore is no region of AWS"),
        (["staging", "ap-southeast-1", "--plan", "--apply"], "choose one of"),
        (["staging", "ap-southeast-1", "--force"], "unknown option --force"),
    ],
    ids=lambda each: each[-1] if isinstance(each, list) else "",
)
def test_bad_arguments_are_refused(rehearsal: Rehearsal, arguments: list[str], problem: str) -> None:
    done = rehearsal.run(*arguments)
    assert (done.returncode, problem in done.stderr, "Usage:" in done.stderr) == (2, True, True)
    assert rehearsal.calls == []
