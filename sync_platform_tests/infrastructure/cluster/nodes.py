"""Nodes of the tests: the scheduler and the kubelet of Kubernetes, as far as the API server sees them.

A pod of a run is a process of its command, started on this machine. Any other pod runs nothing: it is said to be
ready, and the pod of a job that is a hook is said to have ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from sync_platform_tests.infrastructure.cluster.cluster_api import ApiRefusal, ClusterApi, Object

LOOK_EVERY_S = 0.3
RUN = "run"
"""The component of the pods that are processes."""


@dataclass
class Nodes:
    """Nodes by name, of one namespace.

    `environment`: what the processes of run pods have beside their own variables; `{pod}` is the name of the pod.
    `fails`: components whose pods end with an error, or do not become ready. `begun`: the component and the image of
    each pod that is no run, in order.
    """

    api: ClusterApi
    namespace: str
    folder: Path
    names: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    begun: list[tuple[str, str]] = field(default_factory=list)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _lost: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[Nodes]:
        """The nodes, which do their work within the block. Processes that are left are killed at its end."""
        for name in self.names:
            self.api.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        ended = threading.Event()
        working = threading.Thread(target=self._work_until, args=(ended,))
        working.start()
        try:
            yield self
        finally:
            ended.set()
            working.join()
            for process in self.processes.values():
                process.kill()
                process.wait()

    def pods_of(self, run_id: str) -> list[Object]:
        pods = self.api.list("Pod", self.namespace)
        return [pod for pod in pods if pod["metadata"]["labels"].get("dagster/run-id") == run_id]

    def kill(self, pod: str) -> None:
        """Kill the process of a pod, as the kernel does where memory ends."""
        self.processes[pod].send_signal(signal.SIGKILL)

    def evict(self, pod: str) -> None:
        """End a pod as the kubelet does where the disk of its node is full."""
        with self._lock:
            process = self.processes.pop(pod)
            process.kill()
            process.wait()
            status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on ephemeral-storage."}
            self.api.set_status("Pod", pod, status, self.namespace)

    def lose(self, node: str) -> None:
        """From now on the node says nothing and does nothing, and its processes are gone."""
        with self._lock:
            self._lost.add(node)
            for pod in self.api.list("Pod", self.namespace):
                if pod["spec"].get("nodeName") == node and pod["metadata"]["name"] in self.processes:
                    self.processes[pod["metadata"]["name"]].kill()

    def log(self, pod: str) -> str:
        file = self.folder / f"{pod}.log"
        return file.read_text() if file.exists() else ""

    def _work_until(self, ended: threading.Event) -> None:
        while not ended.wait(LOOK_EVERY_S):
            # the API server may be away, and an object may be gone meanwhile
            with suppress(httpx.TransportError, ApiRefusal), self._lock:
                living = [name for name in self.names if name not in self._lost]
                for name in living:
                    self.api.set_status(
                        "Node", name, {"conditions": [_condition("Ready") | {"lastHeartbeatTime": _now()}]}
                    )
                pods = self.api.list("Pod", self.namespace)
                for name in self.processes.keys() - {pod["metadata"]["name"] for pod in pods}:
                    self.processes[name].kill()
                for number, pod in enumerate(pods):
                    with suppress(ApiRefusal):
                        self._work_on(pod, living, living[number % len(living)])

    def _work_on(self, pod: Object, living: list[str], chosen: str) -> None:
        name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
        phase = pod["status"].get("phase")
        if node is None:
            self.api.bind(name, chosen, self.namespace)
        elif node not in living:
            return
        elif "deletionTimestamp" in pod["metadata"]:
            self._end(name)
        elif phase == "Pending":
            self._begin(pod)
        elif phase == "Running" and name in self.processes and (code := self.processes[name].poll()) is not None:
            self._report(pod, "Failed" if code else "Succeeded", {"terminated": {"exitCode": code}})

    def _begin(self, pod: Object) -> None:
        metadata, component = pod["metadata"], pod["metadata"]["labels"].get("app.kubernetes.io/component")
        if component == RUN:
            self.processes[metadata["name"]] = self._start(pod)
            self._report(pod, "Running", {"running": {"startedAt": _now()}})
            return
        fails = component in self.fails
        self.begun.append((component, pod["spec"]["containers"][0]["image"]))
        if pod["spec"]["restartPolicy"] == "Never":
            self._report(pod, "Failed" if fails else "Succeeded", {"terminated": {"exitCode": int(fails)}})
        else:
            self._report(pod, "Running", {"running": {"startedAt": _now()}}, is_ready=not fails)

    def _start(self, pod: Object) -> subprocess.Popen[bytes]:
        (container,) = pod["spec"]["containers"]
        own = {each["name"]: each["value"] for each in container.get("env", []) if "value" in each}
        program, *arguments = container["args"]
        command = [str(Path(sys.executable).with_name(program)), *arguments]
        name = pod["metadata"]["name"]
        given = {each: value.replace("{pod}", name) for each, value in self.environment.items()}
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*_as_host(name), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **own, **given},
            )

    def _end(self, name: str) -> None:
        """Ask the process to end, and report the end of the pod once it has ended."""
        process = self.processes.get(name)
        if process is not None and process.poll() is None:
            process.terminate()
        else:
            self.api.delete("Pod", name, self.namespace, grace_s=0)

    def _report(self, pod: Object, phase: str, state: Object, is_ready: bool = True) -> None:
        (container,) = pod["spec"]["containers"]
        is_ready = is_ready and phase == "Running"
        conditions = [_condition(kind, is_ready) for kind in ("Ready", "ContainersReady")]
        status = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
        status |= {"ready": is_ready, "state": state}
        reported = {"phase": phase, "startTime": _now(), "conditions": conditions, "containerStatuses": [status]}
        self.api.set_status("Pod", pod["metadata"]["name"], reported, self.namespace)


def _as_host(name: str) -> list[str]:
    """The command that runs another one on a host of this name; only root may have one."""
    if os.geteuid() or shutil.which("unshare") is None:
        return []
    return ["unshare", "--uts", "sh", "-c", 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"', name]


def _condition(kind: str, is_true: bool = True) -> Object:
    return {"type": kind, "status": str(is_true), "reason": "Test", "message": "", "lastTransitionTime": _now()}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
