"""The Helm chart: valid for its version of Kubernetes, closed by default, and in step with the program."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from helm_python.chart import lint
from helm_python.errors import HelmError

from sync_platform import __version__
from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform_tests.infrastructure.chart import (
    CHART,
    MANIFEST,
    Manifest,
    of_kind,
    plain_manifest,
    pods,
    rendered,
)
from sync_platform_tests.infrastructure.terraform import FOLDER

KUBERNETES = "1.35"
WITH_TOKEN = {"sync-platform-daemon", "sync-platform-server"}
"""The pods that talk to Kubernetes: one starts run pods, the other ends them."""


@cache
def _objects() -> list[Manifest]:
    return rendered({"ingress": {"enabled": True}, "roleArns": {"runs": "arn:aws:iam::123456789012:role/runs"}})


@cache
def _dagster() -> Manifest:
    return dict(yaml.safe_load(of_kind(_objects(), "ConfigMap")["sync-platform-dagster"]["data"]["dagster.yaml"]))


def test_helm_finds_nothing_to_complain_about() -> None:
    found = lint(CHART, strict=True, namespace="sync-platform", kube_version=f"v{KUBERNETES}.0")
    assert [each for each in found["messages"] if each["severity"] > 1] == []


def test_each_object_is_valid_for_kubernetes() -> None:
    assert len(_objects()) >= 20
    for each in _objects():
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_misspelt_field_is_found() -> None:
    wrong = json.loads(
        json.dumps(of_kind(_objects(), "Deployment")["sync-platform-server"]).replace("replicas", "replica")
    )
    with pytest.raises(kubernetes_validate.ValidationError, match="replica"):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_the_plain_manifest_is_that_of_the_chart() -> None:
    """After an intended change, delete the file, run this test again, and read the difference."""
    if not MANIFEST.exists():
        MANIFEST.write_text(plain_manifest())
        pytest.fail(f"{MANIFEST.name} was missing and has been written: look at it, and run again")
    assert MANIFEST.read_text() == plain_manifest(), f"{MANIFEST.name} is out of date: delete it, and run this again"


@pytest.mark.parametrize(
    "values",
    [
        {"server": {"replicas": "two"}},
        {"server": {"url": "http://sync.example.org"}},
        {"sever": {"replicas": 2}},
        {"settings": {"OPENRICE_API_KEY": "k"}},
        {"settings": {"LEDGER": "postgresql://user:password@host/ledger"}},
        {"settings": {"VAULT_BACKUP_KEY_FILE": "/var/lib/sync-platform/backup.key"}},
        {"image": {"tag": "latest"}},
        {"runs": {"platforms": {"openrice": {"requests": {"cpu": "1"}, "limits": {"memory": "much"}}}}},
    ],
    ids=lambda values: json.dumps(values)[:40],
)
def test_wrong_values_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(HelmError):
        rendered(values)


def test_no_pod_may_do_more_than_it_needs() -> None:
    for name, pod in pods(_objects()).items():
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert (
            container["securityContext"] | {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}
            == (container["securityContext"])
        ), name
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}, name
        assert pod["automountServiceAccountToken"] is (name in WITH_TOKEN), name
        assert container["resources"]["requests"]["cpu"] and container["resources"]["limits"]["memory"], name


def test_the_daemon_may_launch_jobs_and_read_no_secret() -> None:
    roles = of_kind(_objects(), "Role")
    found = {
        name: {each: rule["verbs"] for rule in role["rules"] for each in rule["resources"]}
        for name, role in roles.items()
    }
    assert found == {
        "sync-platform-daemon": {
            "jobs": ["create", "list", "delete"],
            "jobs/status": ["get"],
            "pods": ["get", "list", "delete"],
            "pods/log": ["get"],
            "events": ["list"],
        },
        "sync-platform-server": {"jobs": ["delete"], "pods": ["list", "delete"]},
    }
    assert found.keys() == WITH_TOKEN


def test_only_the_daemon_and_the_server_reach_the_code_server() -> None:
    (rule,) = of_kind(_objects(), "NetworkPolicy")["sync-platform-to-code-server"]["spec"]["ingress"]
    peers = [each["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for each in rule["from"]]
    assert (peers, rule["ports"]) == (["daemon", "server"], [{"port": 4266, "protocol": "TCP"}])
    everywhere = of_kind(_objects(), "NetworkPolicy")["sync-platform-outgoing"]["spec"]
    assert everywhere["policyTypes"] == ["Ingress", "Egress"] and "ingress" not in everywhere
    labels = everywhere["podSelector"]["matchLabels"].items()
    run = _dagster()["run_launcher"]["config"]["labels"]
    assert labels <= run.items()
    assert all(
        labels <= each["spec"]["template"]["metadata"]["labels"].items()
        for kind in ("Deployment", "Job")
        for each in of_kind(_objects(), kind).values()
    )


def test_every_long_running_pod_has_a_probe_of_its_own_work() -> None:
    probes = {name: pod["containers"][0] for name, pod in pods(_objects()).items() if name != "sync-platform-migrate"}
    assert probes["sync-platform-server"]["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert probes["sync-platform-code-server"]["readinessProbe"]["grpc"]["service"] == "DagsterApi"
    assert all("livenessProbe" in each and "startupProbe" in each for each in probes.values())


def test_every_pod_leaves_a_node_that_is_gone_soon() -> None:
    run = _dagster()["run_launcher"]["config"]["run_k8s_config"]["pod_spec_config"]
    for each in [*pods(_objects()).values(), run]:
        assert {found["key"].partition("/")[2]: found["tolerationSeconds"] for found in each["tolerations"]} == {
            "not-ready": 60,
            "unreachable": 60,
        }


def test_no_secret_is_in_the_chart() -> None:
    assert not [each for each in _objects() if each["kind"] == "Secret"]
    sources = {
        name: [source["secretRef"]["name"] for source in pod["containers"][0]["envFrom"] if "secretRef" in source]
        for name, pod in pods(_objects()).items()
    }
    assert sources["sync-platform-daemon"] == ["sync-platform-services"]
    assert sources["sync-platform-server"] == sources["sync-platform-migrate"] == ["sync-platform-runs"]


def test_only_runs_and_the_server_have_the_key_files() -> None:
    settings = of_kind(_objects(), "ConfigMap")["sync-platform-settings"]["data"]
    run = _dagster()["run_launcher"]["config"]
    described = {name: (pod["volumes"], pod["containers"][0]["volumeMounts"]) for name, pod in pods(_objects()).items()}
    described["run"] = (run["volumes"], run["volume_mounts"])
    with_keys = {
        name: (secret, mount)
        for name, (volumes, mounts) in described.items()
        for secret in (each["secret"] for each in volumes if "secret" in each)
        for mount in (each for each in mounts if each["name"] == "keys")
    }
    assert with_keys.keys() == {"run", "sync-platform-server"}
    for secret, mount in with_keys.values():
        assert secret == {"secretName": "sync-platform-keys", "defaultMode": 0o440}
        assert mount["readOnly"] is True  # no pod makes a key that would be gone with it
        assert {str(Path(settings[name]).parent) for name in ("VAULT_KEY_FILE", "VAULT_BACKUP_KEY_FILE")} == {
            mount["mountPath"]
        }


def test_the_service_accounts_are_those_that_terraform_trusts() -> None:
    arns = {name: f"arn:aws:iam::123456789012:role/{name}" for name in ("runs", "services")}
    accounts = of_kind(rendered({"roleArns": arns}), "ServiceAccount")
    roles: dict[str, set[str]] = {"runs": set(), "services": set()}
    for name, account in accounts.items():
        role = account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].rpartition("/")[2]
        roles[role].add(name.removeprefix("sync-platform-"))
    text = (FOLDER / "modules" / "access" / "main.tf").read_text()
    for role, expected in roles.items():
        trusted = re.search(rf"^    {role} +=( \[.*\])$", text, flags=re.MULTILINE)
        assert trusted is not None and set(json.loads(trusted[1])) == expected


def test_the_chart_is_checked_for_the_version_of_the_cluster() -> None:
    variables = (FOLDER / "stack" / "variables.tf").read_text().partition('variable "kubernetes_version"')[2]
    assert f'default     = "{KUBERNETES}"' in variables.partition("}")[0]


def test_the_settings_of_the_chart_are_those_of_the_program() -> None:
    data = of_kind(_objects(), "ConfigMap")["sync-platform-settings"]["data"]
    assert {name for name in data if name.lower() not in Settings.model_fields} == {"DAGSTER_HOME"}
    assert of_kind(_objects(), "ConfigMap")["sync-platform-settings-migrate"]["data"] == data


def test_migrations_run_before_an_upgrade_replaces_the_pods() -> None:
    annotations = of_kind(_objects(), "Job")["sync-platform-migrate"]["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "post-install,pre-upgrade"


def test_dagster_behaves_as_on_a_laptop() -> None:
    """But for where its records are, how many runs there are at once, and that each run is a pod."""
    laptop, fleet = yaml.safe_load(INSTANCE_YAML), _dagster()
    assert fleet.keys() - laptop.keys() == {"storage", "compute_logs", "run_launcher"}
    retries = "max_user_code_failure_retries"
    assert fleet["run_queue"][retries] == laptop["run_queue"][retries]
    for name in laptop.keys() - {"run_queue"}:
        assert (
            fleet[name] == laptop[name]
            or fleet[name].items() >= {key: each for key, each in laptop[name].items() if key != "pools"}.items()
        )
    assert fleet["concurrency"]["pools"] == laptop["concurrency"]["pools"]
    assert fleet["concurrency"]["runs"]["max_concurrent_runs"] > len(load_platforms(""))


def test_the_resources_of_runs_name_platforms_that_exist() -> None:
    assert _dagster()["run_launcher"]["config"]["platform_resources"].keys() <= load_platforms("").keys()


def test_the_version_is_that_of_the_program() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == __version__


def test_every_value_is_described_by_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() - {"global"} == values.keys() == set(schema["required"])
