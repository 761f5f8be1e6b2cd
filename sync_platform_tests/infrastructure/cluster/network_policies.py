"""Network policies, enforced by iptables: what the network plugin does in a real cluster.

A packet from or to a pod that a policy selects is refused unless a policy allows it at either end, as the API of
Kubernetes describes NetworkPolicy. What is compared are the addresses behind a service, as most plugins do. Connections
that this machine opens, such as probes, are never refused.

What belongs here: rules of packets from objects. It knows the fields that the chart uses, and refuses any other.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from sync_platform_tests.infrastructure.cluster.cluster_api import ApiRefusal, ClusterApi, Object

LOOK_EVERY_S = 0.3
CHAIN = "TEST-POLICIES"
HOOKS = ("INPUT", "FORWARD")
ALL = "0.0.0.0/0"


@contextmanager
def network_policies(api: ClusterApi) -> Iterator[None]:
    """Refuse what the policies of the cluster do not allow, as long as the block runs."""
    ended, applied = threading.Event(), list[str]()
    _apply(applied)
    for hook in HOOKS:
        subprocess.run(["iptables", "-I", hook, "-j", CHAIN], check=True)

    def follow() -> None:
        while not ended.wait(LOOK_EVERY_S):
            try:
                wanted = rules(*(api.list(kind, "") for kind in ("NetworkPolicy", "Pod", "Namespace")))
            except (httpx.TransportError, ApiRefusal):
                continue
            if wanted != applied:
                _apply(wanted)
                applied[:] = wanted

    following = threading.Thread(target=follow)
    following.start()
    try:
        yield
    finally:
        ended.set()
        following.join()
        for hook in HOOKS:
            subprocess.run(["iptables", "-D", hook, "-j", CHAIN], check=True)
        chains = [line.split()[0].removeprefix(":") for line in applied if line.startswith(":")]
        for chain in (CHAIN, *chains):  # the first one refers to the others
            for empty_and_delete in ("-F", "-X"):
                subprocess.run(["iptables", empty_and_delete, chain], check=True)


def rules(policies: Sequence[Object], pods: Sequence[Object], namespaces: Sequence[Object]) -> list[str]:
    """The rules of the chains, in the words of iptables-restore."""
    addressed = [pod for pod in pods if pod["status"].get("podIP") and not pod["spec"].get("hostNetwork")]
    labels_of = {each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces}
    chains, first = list[str](), [f"-A {CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"]
    for pod in addressed:
        address = pod["status"]["podIP"]
        for kind, end, key in (("Egress", "-s", "to"), ("Ingress", "-d", "from")):
            of_pod = [each for each in policies if kind in each["spec"]["policyTypes"] and _selects(each, pod)]
            if not of_pod:
                continue
            chain = f"TEST-{kind}-{address}"
            chains.append(f":{chain} - [0:0]")
            first.append(f"-A {CHAIN} {end} {address} -j {chain}")
            other = "-d" if end == "-s" else "-s"
            for policy in of_pod:
                for allowed in policy["spec"].get(kind.lower(), []):
                    for block in _blocks(allowed, key, policy["metadata"]["namespace"], addressed, labels_of):
                        chains += [f"-A {chain} {other} {block}{port} -j RETURN" for port in _ports(allowed)]
            chains.append(f"-A {chain} -j REJECT")
    return [*sorted(chains, key=lambda line: line[0] == "-"), *first]  # chains are named before their rules


def _selects(policy: Object, pod: Object) -> bool:
    in_namespace = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return in_namespace and _matches(policy["spec"]["podSelector"], pod["metadata"].get("labels", {}))


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def _blocks(
    allowed: Object, key: str, namespace: str, pods: Sequence[Object], labels_of: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """The networks and the pods that a rule allows at the other end."""
    for peer in allowed.get(key) or [{"ipBlock": {"cidr": ALL}}]:
        assert set(peer) <= {"ipBlock", "podSelector", "namespaceSelector"}, peer
        if block := peer.get("ipBlock"):
            assert set(block) == {"cidr"}, block
            yield block["cidr"]
            continue
        for pod in pods:
            of_pod = pod["metadata"]["namespace"]
            in_namespaces = peer.get("namespaceSelector")
            is_there = of_pod == namespace if in_namespaces is None else _matches(in_namespaces, labels_of[of_pod])
            if is_there and _matches(peer.get("podSelector", {}), pod["metadata"].get("labels", {})):
                yield pod["status"]["podIP"]


def _ports(allowed: Object) -> Iterator[str]:
    for port in allowed.get("ports") or [{}]:
        assert set(port) in ({"port", "protocol"}, set()), port
        yield f" -p {port['protocol'].lower()} --dport {port['port']}" if port else ""


def _apply(wanted: Sequence[str]) -> None:
    """Exchange the rules at once."""
    lines = ["*filter", f":{CHAIN} - [0:0]", *wanted, "COMMIT", ""]
    subprocess.run(["iptables-restore", "--noflush"], input="\n".join(lines), text=True, check=True)
