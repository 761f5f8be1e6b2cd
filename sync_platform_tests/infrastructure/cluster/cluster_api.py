"""A client of a Kubernetes API server: objects as they are in JSON, and errors with the server's own words."""

from __future__ import annotations

import builtins
import json
import ssl
from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]
PLACES = {
    "ConfigMap": ("/api/v1", "configmaps"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Endpoints": ("/api/v1", "endpoints"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Namespace": ("/api/v1", "namespaces"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "Node": ("/api/v1", "nodes"),
    "Pod": ("/api/v1", "pods"),
    "PodDisruptionBudget": ("/apis/policy/v1beta1", "poddisruptionbudgets"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "Secret": ("/api/v1", "secrets"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
}
"""Where the API has the objects of a kind."""
MERGE = {"Content-Type": "application/merge-patch+json"}
REVIEWS = "/apis/authorization.k8s.io/v1"


class ApiRefusal(Exception):
    """The API server refused a request; `code` is its status, the message is the server's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ClusterApi:
    """Requests to an API server. `certificate`: the file with the certificates that it is checked by."""

    def __init__(self, url: str, token: str, certificate: Path) -> None:
        self._http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            verify=ssl.create_default_context(cafile=str(certificate)),
            timeout=20,
        )

    def found(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """The object of that name; None where there is none."""
        try:
            return self._ask("GET", f"{_path(kind, namespace)}/{name}")
        except ApiRefusal as refusal:
            if refusal.code == 404:
                return None
            raise

    def create(self, wanted: Object) -> Object:
        path = _path(wanted["kind"], wanted["metadata"].get("namespace", ""))
        return self._ask("POST", path, json=wanted)

    def list(self, kind: str, namespace: str) -> builtins.list[Object]:
        return [dict(each) for each in self._ask("GET", _path(kind, namespace))["items"]]

    def set_status(self, kind: str, name: str, status: Object, namespace: str = "") -> None:
        """Merge into the status of an object, as the controller does that it belongs to."""
        path = f"{_path(kind, namespace)}/{name}/status"
        self._ask("PATCH", path, content=json.dumps({"status": status}), headers=MERGE)

    def delete(self, kind: str, name: str, namespace: str = "", grace_s: int | None = None) -> None:
        """Delete an object; nothing where there is none. `grace_s`: for a pod, how long its processes may take."""
        options = {"kind": "DeleteOptions", "gracePeriodSeconds": grace_s} if grace_s is not None else {}
        try:
            self._ask("DELETE", f"{_path(kind, namespace)}/{name}", json=options)
        except ApiRefusal as refusal:
            if refusal.code != 404:
                raise

    def set_cordon(self, node: str, *, is_cordoned: bool) -> None:
        """Whether the node takes no new pods."""
        spec = {"spec": {"unschedulable": is_cordoned}}
        self._ask("PATCH", f"{_path('Node', '')}/{node}", content=json.dumps(spec), headers=MERGE)

    def evict(self, pod: str, namespace: str) -> bool:
        """Have a pod ended, as a drain does; False where a disruption budget does not allow it now."""
        eviction = {"kind": "Eviction", "apiVersion": "policy/v1beta1", "metadata": {"name": pod}}
        try:
            self._ask("POST", f"{_path('Pod', namespace)}/{pod}/eviction", json=eviction)
        except ApiRefusal as refusal:
            if refusal.code == 429:
                return False
            raise
        return True

    def bind(self, pod: str, node: str, namespace: str) -> None:
        """Give a pod to a node, as the scheduler does."""
        target = {"kind": "Node", "name": node}
        binding = {"kind": "Binding", "metadata": {"name": pod}, "target": target}
        self._ask("POST", f"{_path('Pod', namespace)}/{pod}/binding", json=binding)

    def token_of(self, account: str, namespace: str) -> str:
        """A token of a service account, as its pods have it."""
        request: Object = {"kind": "TokenRequest", "spec": {}}
        answer = self._ask("POST", f"{_path('ServiceAccount', namespace)}/{account}/token", json=request)
        return str(answer["status"]["token"])

    def review(self, review: str, spec: Object) -> Object:
        """The status of a review of permissions, such as `subjectaccessreviews`."""
        kinds = {"subjectaccessreviews": "SubjectAccessReview", "selfsubjectrulesreviews": "SelfSubjectRulesReview"}
        wanted = {"apiVersion": REVIEWS.rpartition("/apis/")[2], "kind": kinds[review], "spec": spec}
        return dict(self._ask("POST", f"{REVIEWS}/{review}", json=wanted)["status"])

    def resources(self) -> dict[tuple[str, str], set[str]]:
        """The verbs of each resource that the API server has, by group and name."""
        versions = {"": "/api/v1"}
        for group in self._ask("GET", "/apis")["groups"]:
            versions[group["name"]] = f"/apis/{group['preferredVersion']['groupVersion']}"
        return {
            (group, each["name"]): set(each["verbs"])
            for group, path in versions.items()
            for each in self._ask("GET", path)["resources"]
        }

    def is_ready(self) -> bool:
        return self._http.get("/readyz").status_code == 200

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, **content: Any) -> Object:
        answer = self._http.request(method, path, **content)
        if answer.is_error:
            raise ApiRefusal(answer.status_code, answer.json().get("message", answer.text))
        return dict(answer.json())


def _path(kind: str, namespace: str) -> str:
    group, plural = PLACES[kind]
    return f"{group}/namespaces/{namespace}/{plural}" if namespace else f"{group}/{plural}"
