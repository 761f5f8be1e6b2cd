"""What each service account of the chart may do, as a real API server of Kubernetes decides it: this, and no more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.cluster_api import ApiRefusal, ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.control_plane import ControlPlane, running_control_plane, wait_for
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_manifest

pytestmark = pytest.mark.full

ENDS_RUNS = {("batch", "jobs", "delete"), ("", "pods", "list"), ("", "pods", "delete")}
STARTS_RUNS = {
    ("batch", "jobs", "create"),
    ("batch", "jobs", "list"),
    ("batch", "jobs/status", "get"),
    ("", "pods", "get"),
    ("", "pods/log", "get"),
    ("", "events", "list"),
}
ALLOWED = {
    "sync-platform-server": ENDS_RUNS,
    "sync-platform-daemon": ENDS_RUNS | STARTS_RUNS,
    "sync-platform-code-server": set(),
    "sync-platform-watch": set(),
    "sync-platform-runs": set(),
    "default": set(),
}
SPECIAL_VERBS = {
    ("rbac.authorization.k8s.io", "roles"): {"bind", "escalate"},
    ("rbac.authorization.k8s.io", "clusterroles"): {"bind", "escalate"},
    ("", "serviceaccounts"): {"impersonate"},
    ("", "users"): {"impersonate"},
    ("", "groups"): {"impersonate"},
    ("policy", "podsecuritypolicies"): {"use"},
}
"""Verbs that the API server does not list."""
OF_EVERYBODY = {("authorization.k8s.io", f"selfsubject{kind}reviews", "create") for kind in ("access", "rules")}
"""Kubernetes lets each user ask what it may do itself."""
OTHER = "somebody-elses"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the objects of the plain manifest, and a second namespace."""
    with running_control_plane(tmp_path_factory.mktemp("cluster")) as plane:
        api = plane.api()
        for each in earlier_manifest():
            api.create(each)
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OTHER}})
        for namespace in (NAME, OTHER):
            wait_for(lambda n=namespace: api.found("ServiceAccount", "default", n), lambda: "no account")  # type: ignore[misc]
        yield plane


def as_account(plane: ControlPlane, account: str) -> ClusterApi:
    """A client with the token of a service account."""
    return ClusterApi(plane.url, plane.api().token_of(account, NAME), plane.certificate)


def test_the_accounts_of_the_chart_are_those_that_are_judged_here(plane: ControlPlane) -> None:
    assert {each["metadata"]["name"] for each in plane.api().list("ServiceAccount", NAME)} == ALLOWED.keys()


@pytest.mark.parametrize("account", ALLOWED)
def test_an_account_may_do_what_is_listed_and_nothing_more(plane: ControlPlane, account: str) -> None:
    """Each verb of each resource that the API server has."""
    api = plane.api()
    user = f"system:serviceaccount:{NAME}:{account}"
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{NAME}", "system:authenticated"]
    resources = api.resources()
    for resource, verbs in SPECIAL_VERBS.items():
        resources[resource] = resources.get(resource, set()) | verbs
    assert len(resources) > 80
    allowed = set()
    for (group, name), verbs in resources.items():
        resource, _, subresource = name.partition("/")
        for verb in verbs:
            asked = {"namespace": NAME, "verb": verb, "group": group, "resource": resource, "subresource": subresource}
            spec: Object = {"user": user, "groups": groups, "resourceAttributes": asked}
            if api.review("subjectaccessreviews", spec)["allowed"]:
                allowed.add((group, name, verb))
    assert allowed - OF_EVERYBODY == ALLOWED[account]


@pytest.mark.parametrize("account", ALLOWED)
def test_an_account_has_no_right_in_another_namespace(plane: ControlPlane, account: str) -> None:
    found = as_account(plane, account).review("selfsubjectrulesreviews", {"namespace": OTHER})
    rights = {
        (group, resource, verb)
        for rule in found["resourceRules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert rights == OF_EVERYBODY
    assert {verb for rule in found["nonResourceRules"] for verb in rule["verbs"]} == {"get"}


def test_a_token_starts_a_job_with_the_daemon_and_with_nobody_else(plane: ControlPlane) -> None:
    container = {"name": "run", "image": "sync-platform:1.0.0"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    for account in ALLOWED:
        job = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"of-{account}", "namespace": NAME},
            "spec": {"template": template},
        }
        if account == "sync-platform-daemon":
            as_account(plane, account).create(job)
            as_account(plane, "sync-platform-server").delete("Job", f"of-{account}", NAME)
        else:
            with pytest.raises(ApiRefusal, match="403"):
                as_account(plane, account).create(job)
