"""Network policies, enforced by iptables: what the network plugin does in a real cluster.

Where policies select a pod, a packet from it or to it is refused unless one of them allows it; a packet between two
such pods must be allowed for both. Source: the API reference of Kubernetes, NetworkPolicy. What is compared are the
addresses behind a service, as most plugins do. Connections that this machine opens, such as probes, are never refused.

What belongs here: rules of packets from objects. It knows the fields that the chart uses, and refuses any other.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

from sync_platform_tests.infrastructure.cluster.cluster_api import ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.repeated_look import repeated_look

PREFIX = "TEST-"
"""Of the names of chains."""
CHAIN = f"{PREFIX}POLICIES"
HOOKS = ("INPUT", "FORWARD")
ALL = "0.0.0.0/0"


@dataclass(frozen=True)
class Direction:
    """Of packets: the policy type, iptables' options for the pod and for the other end, and the policy's peers."""

    kind: str
    own: str
    other: str
    peers: str


DIRECTIONS = (Direction("Egress", "-s", "-d", "to"), Direction("Ingress", "-d", "-s", "from"))


@contextmanager
def network_policies(api: ClusterApi) -> Iterator[None]:
    """Refuse what the policies of the cluster do not allow, as long as the block runs."""
    applied = list[str]()
    _apply(applied)
    for hook in HOOKS:
        subprocess.run(["iptables", "-I", hook, "-j", CHAIN], check=True)

    def apply_changes() -> None:
        wanted = rules(*(api.list(kind, "") for kind in ("NetworkPolicy", "Pod", "Namespace")))
        if wanted != applied:
            _apply(wanted)
            applied[:] = wanted

    try:
        with repeated_look(apply_changes):
            yield
    finally:
        for hook in HOOKS:
            subprocess.run(["iptables", "-D", hook, "-j", CHAIN], check=True)
        _apply([])  # the first chain refers to the others
        chains = subprocess.run(["iptables", "-S"], capture_output=True, text=True, check=True).stdout.splitlines()
        for chain in [line.split()[1] for line in chains if line.startswith(f"-N {PREFIX}")]:
            for empty_and_delete in ("-F", "-X"):
                subprocess.run(["iptables", empty_and_delete, chain], check=True)


def rules(policies: Sequence[Object], pods: Sequence[Object], namespaces: Sequence[Object]) -> list[str]:
    """The rules of the chains, in the words of iptables-restore."""
    addressed = [pod for pod in pods if pod["status"].get("podIP") and not pod["spec"].get("hostNetwork")]
    labels_of = {each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces}
    chains, allowed = list[str](), list[str]()
    first = [f"-A {CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN"]
    for pod, direction in product(addressed, DIRECTIONS):
        of_pod = [each for each in policies if direction.kind in each["spec"]["policyTypes"] and _selects(each, pod)]
        if of_pod:
            chain = f"{PREFIX}{direction.kind}-{pod['status']['podIP']}"
            chains.append(f":{chain} - [0:0]")
            first.append(f"-A {CHAIN} {direction.own} {pod['status']['podIP']} -j {chain}")
            ends = [end for policy in of_pod for end in _other_ends(policy, direction, addressed, labels_of)]
            allowed += [f"-A {chain} {direction.other} {end} -j RETURN" for end in ends]
            allowed.append(f"-A {chain} -j REJECT")
    return [*chains, *allowed, *first]


def _selects(policy: Object, pod: Object) -> bool:
    in_namespace = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
    return in_namespace and _matches(policy["spec"]["podSelector"], pod["metadata"].get("labels", {}))


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def _other_ends(
    policy: Object, direction: Direction, pods: Sequence[Object], labels_of: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """The networks and pods that a policy allows at the other end, with their ports."""
    for allowed in policy["spec"].get(direction.kind.lower(), []):
        for peer in allowed.get(direction.peers) or [{"ipBlock": {"cidr": ALL}}]:
            blocks = _blocks(peer, policy["metadata"]["namespace"], pods, labels_of)
            yield from (f"{block}{port}" for block, port in product(blocks, list(_ports(allowed))))


def _blocks(
    peer: Object, namespace: str, pods: Sequence[Object], labels_of: Mapping[str, Mapping[str, str]]
) -> list[str]:
    assert set(peer) in ({"ipBlock"}, {"podSelector"}, {"namespaceSelector"}, {"podSelector", "namespaceSelector"}), (
        peer
    )
    if block := peer.get("ipBlock"):
        assert set(block) == {"cidr"}, block
        return [block["cidr"]]
    chosen = [name for name, labels in labels_of.items() if _matches(peer.get("namespaceSelector", {}), labels)]
    of_namespaces = chosen if "namespaceSelector" in peer else [namespace]
    return [
        pod["status"]["podIP"]
        for pod in pods
        if pod["metadata"]["namespace"] in of_namespaces
        and _matches(peer.get("podSelector", {}), pod["metadata"].get("labels", {}))
    ]


def _ports(allowed: Object) -> Iterator[str]:
    for port in allowed.get("ports") or [{}]:
        assert set(port) in ({"port", "protocol"}, set()), port
        yield f" -p {port['protocol'].lower()} --dport {port['port']}" if port else ""


def _apply(wanted: Sequence[str]) -> None:
    """Exchange the rules at once."""
    lines = ["*filter", f":{CHAIN} - [0:0]", *wanted, "COMMIT", ""]
    subprocess.run(["iptables-restore", "--noflush"], input="\n".join(lines), text=True, check=True)
