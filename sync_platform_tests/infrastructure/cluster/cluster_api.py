"""A client of a Kubernetes API server: objects as they are in JSON, and errors with the server's own words."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]
PLACES = {
    "ConfigMap": ("/api/v1", "configmaps"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "Namespace": ("/api/v1", "namespaces"),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("/apis/policy/v1beta1", "poddisruptionbudgets"),
    "Role": ("/apis/rbac.authorization.k8s.io/v1", "roles"),
    "RoleBinding": ("/apis/rbac.authorization.k8s.io/v1", "rolebindings"),
    "Service": ("/api/v1", "services"),
    "ServiceAccount": ("/api/v1", "serviceaccounts"),
}
"""Where the API has the objects of a kind."""


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
