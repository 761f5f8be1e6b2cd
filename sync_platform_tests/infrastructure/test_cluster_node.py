"""The chart on a real node: containers run, the kubelet probes them, and runs are pods.

Kubernetes 1.20, the newest that Debian 12 can build; cluster/earlier_chart.py lists what differs from the chart.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sync_platform.api_client import ApiClient
from sync_platform.storage.platform_lock import platform_lock
from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.cluster_api import Object
from sync_platform_tests.infrastructure.cluster.installed_chart import (
    INGRESS,
    NOT_ENOUGH,
    SERVED_AT,
    InstalledChart,
    installed_chart,
)
from sync_platform_tests.infrastructure.cluster.node import ADDRESS, FIRST, SECOND, Node
from sync_platform_tests.one_server.queued_run import launched, state_of
from sync_platform_tests.temporary_files import folder_on_disk

pytestmark = pytest.mark.full

SERVICES = ("code-server", "daemon", "server", "watch")
WITH_TOKEN = {"daemon", "server"}
"""The components that ask the API of Kubernetes."""
RUNS = "query Runs($filter: RunsFilter) { runsOrError(filter: $filter) { ... on Runs { results { runId } } } }"


@pytest.fixture(scope="module")
def chart() -> Iterator[InstalledChart]:
    with folder_on_disk() as folder, installed_chart(folder) as chart:
        yield chart


@pytest.fixture(scope="module")
def client(chart: InstalledChart) -> Iterator[httpx.Client]:
    """A client with the rights of an admin, behind an ingress controller that ends TLS."""
    printed = chart.run("server", "sync-platform", "token", "create", "tests", "--role", "admin")
    headers = {
        "Authorization": f"Bearer {re.findall(r'sp_[^ ]+', printed)[0].strip()}",
        "Host": SERVED_AT.removeprefix("https://"),
        "X-Forwarded-Proto": "https",
    }
    with httpx.Client(base_url=f"http://{chart.address()}", headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def api(client: httpx.Client) -> ApiClient:
    return ApiClient(str(client.base_url), http=client)


def test_every_pod_is_ready_by_its_own_probes_and_none_was_started_again(chart: InstalledChart) -> None:
    pods = {name: chart.pods(name) for name in SERVICES}
    assert {name: len(each) for name, each in pods.items()} == dict.fromkeys(SERVICES, 1) | {"server": 2}
    states = [pod["status"]["containerStatuses"][0] for each in pods.values() for pod in each]
    assert [(state["ready"], state["restartCount"]) for state in states] == [(True, 0)] * 5, chart.explain()
    assert "up to date" in chart.run("server", "sync-platform", "migrate", "--check")


def test_every_container_is_closed(chart: InstalledChart) -> None:
    for name in SERVICES:
        pod = chart.pods(name)[0]
        process = Path(f"/proc/{chart.node_of(pod).process_of(pod)}")
        status = dict(re.findall(r"^(\w+):\t(\S+)", (process / "status").read_text(), flags=re.MULTILINE))
        closed = {"Uid": "10001", "Gid": "10001", "NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16}
        assert {each: status[each] for each in closed} == closed, name
        root = next(line for line in (process / "mountinfo").read_text().splitlines() if line.split()[4] == "/")
        assert root.split()[5].split(",")[0] == "ro", name
        has_token = (process / "root/run/secrets/kubernetes.io/serviceaccount/token").exists()
        assert has_token is (name in WITH_TOKEN), name


def test_without_a_login_nothing_is_answered(chart: InstalledChart) -> None:
    for path in ("/", "/dagster/graphql", "/metrics", "/api/production-sync/health"):
        answer = httpx.get(f"http://{chart.address()}{path}", headers={"Host": "sync.example.org"}, timeout=60)
        assert answer.status_code == 401


def test_pods_reach_what_the_network_policies_list_and_nothing_else(chart: InstalledChart) -> None:
    elsewhere = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "controller", "namespace": INGRESS}}
    server, code_server = chart.pods("server")[0], chart.pods("code-server")[0]
    image = server["spec"]["containers"][0]["image"]
    containers = [{"name": "main", "image": image, "command": ["sleep", "infinity"]}]
    chart.api.create({**elsewhere, "spec": {"containers": containers, "terminationGracePeriodSeconds": 1}})
    controller = chart.wait_for(lambda: [each for each in chart.api.list("Pod", INGRESS) if is_running(each)])[0]
    with socket.create_server((ADDRESS, 0)) as other:
        places = {
            "server": (server["status"]["podIP"], 3000),
            "code-server": (code_server["status"]["podIP"], 4266),
            "postgres": (ADDRESS, chart.networks["databasePort"]),
            "other": (ADDRESS, other.getsockname()[1]),
        }
        pods = {name: chart.pods(name)[0] for name in SERVICES} | {"controller": controller}
        reached = {name: reached_by(chart, pod, places) for name, pod in pods.items()}
    assert reached == {  # a pod always reaches itself
        "code-server": {"code-server", "postgres"},
        "daemon": {"code-server", "postgres"},
        "server": {"code-server", "postgres", "server"},
        "watch": {"postgres"},
        "controller": {"server", "postgres", "other"},
    }


def reached_by(chart: InstalledChart, pod: Object, places: Mapping[str, tuple[str, int]]) -> set[str]:
    """The places that a process in the pod can connect to."""
    connect = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    return {
        name
        for name, (address, port) in places.items()
        if chart.node_of(pod).done(pod, "python", "-c", connect, address, str(port)).returncode == 0
    }


def test_a_run_and_an_emergency_request_are_pods_of_the_chart(
    chart: InstalledChart, client: httpx.Client, api: ApiClient
) -> None:
    run, request = launched(client), api.request_emergency("the menus are wrong", sources=["chope"])
    chart.wait_for(lambda: state_of(client, run) in ("SUCCESS", "FAILURE"))
    assert state_of(client, run) == "SUCCESS", chart.explain()
    (pod,) = run_pods(chart, run)
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"memory": "2Gi"}
    assert pod["spec"]["automountServiceAccountToken"] is False
    chart.wait_for(lambda: api.emergency(request.request_id).finished_at)
    assert api.emergency(request.request_id).status == "complete", chart.explain()
    assert len(chart.pods("run")) == 2


def test_a_run_whose_container_is_killed_is_repeated(chart: InstalledChart, client: httpx.Client) -> None:
    with platform_lock(chart.settings["LEDGER"], "data_gov_hk", "of-the-test", lambda _: None):
        run = launched(client)
        (pod,) = chart.wait_for(lambda: [each for each in run_pods(chart, run) if is_running(each)])
        chart.wait_for(lambda: "waiting for another sync" in chart.node_of(pod).log(pod))
        chart.node_of(pod).kill(pod)
        chart.wait_for(lambda: state_of(client, run) == "FAILURE")
    chart.wait_for(lambda: retries_of(client, run))
    (retry,) = retries_of(client, run)
    chart.wait_for(lambda: state_of(client, retry) in ("SUCCESS", "FAILURE"))
    assert state_of(client, retry) == "SUCCESS", chart.explain()


def test_a_run_without_enough_memory_is_repeated_and_fails_soon(
    chart: InstalledChart, client: httpx.Client, api: ApiClient
) -> None:
    """Its pod is ended before the run has begun: nobody waits until the start of the run times out."""
    request = api.request_emergency("the offers are wrong", sources=["eatigo"])
    chart.wait_for(lambda: api.emergency(request.request_id).finished_at)
    assert api.emergency(request.request_id).status == "failed"
    ended = [pod for pod in chart.pods("run") if pod["spec"]["containers"][0]["resources"]["limits"] == NOT_ENOUGH]
    assert {pod["status"]["phase"] for pod in ended} == {"Failed"} and len(ended) == 3, chart.explain()
    reasons = [pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] for pod in ended]
    assert "OOMKilled" in reasons, reasons


def test_new_settings_replace_every_pod_while_the_server_answers(chart: InstalledChart, client: httpx.Client) -> None:
    before = {pod["metadata"]["name"] for name in SERVICES for pod in chart.pods(name)}
    with answers_of(client) as answers:
        code, said = chart.upgrade(ORGANISATION="Example")
        assert code == 0, f"{said}\n{chart.explain()}"
    after = {pod["metadata"]["name"] for name in SERVICES for pod in chart.pods(name)}
    assert not before & after
    assert len(answers) > 10 and set(answers) == {"200"}, answers


def test_a_drained_node_gives_its_pods_to_another_while_the_server_answers(
    chart: InstalledChart, second: Node, client: httpx.Client
) -> None:
    with answers_of(client) as answers, drained(chart, FIRST.name):
        assert nodes_of(chart) == {SECOND.name}
    assert len(answers) > 10 and set(answers) == {"200"}, answers


def test_servers_are_on_two_nodes(chart: InstalledChart, second: Node) -> None:
    chart.api.evict(chart.pods("server")[0]["metadata"]["name"], NAME)
    chart.wait_for(lambda: are_ready(chart))
    assert {pod["spec"]["nodeName"] for pod in chart.pods("server")} == {FIRST.name, SECOND.name}


def test_what_ran_on_a_node_that_is_gone_runs_on_another(
    chart: InstalledChart, second: Node, client: httpx.Client
) -> None:
    """All of the chart was there, and a run."""
    with platform_lock(chart.settings["LEDGER"], "data_gov_hk", "of-the-test", lambda _: None):
        with drained(chart, FIRST.name):
            run = launched(client)
            (pod,) = chart.wait_for(lambda: [each for each in run_pods(chart, run) if is_running(each)])
            chart.wait_for(lambda: "waiting for another sync" in second.log(pod))
        second.power_off()
        chart.wait_for(lambda: nodes_of(chart) == {FIRST.name} and are_ready(chart))
        chart.api.delete("Node", SECOND.name)  # a person says that it does not come back
    chart.wait_for(lambda: state_of(client, run) == "FAILURE")
    chart.wait_for(lambda: retries_of(client, run))
    (retry,) = retries_of(client, run)
    chart.wait_for(lambda: state_of(client, retry) in ("SUCCESS", "FAILURE"))
    assert state_of(client, retry) == "SUCCESS", chart.explain()


@pytest.fixture(scope="module")
def second(chart: InstalledChart) -> Iterator[Node]:
    with chart.node(SECOND) as node:
        yield node


@contextmanager
def drained(chart: InstalledChart, node: str) -> Iterator[None]:
    """No pod of a service is on that node as long as the block runs."""
    chart.api.set_cordon(node, is_cordoned=True)
    try:
        for name in SERVICES:
            for pod in chart.pods(name):
                if pod["spec"]["nodeName"] == node:
                    chart.wait_for(lambda pod=pod: chart.api.evict(pod["metadata"]["name"], NAME))  # type: ignore[misc]
        chart.wait_for(lambda: are_ready(chart))
        yield
    finally:
        chart.api.set_cordon(node, is_cordoned=False)


def are_ready(chart: InstalledChart) -> bool:
    """True if all services have all their pods, and these are ready."""
    pods = [pod for name in SERVICES for pod in chart.pods(name)]
    ready = {"type": "Ready", "status": "True"}
    return len(pods) == 5 and all(
        any(ready.items() <= each.items() for each in pod["status"].get("conditions", [])) for pod in pods
    )


def nodes_of(chart: InstalledChart) -> set[str]:
    return {pod["spec"].get("nodeName", "") for name in SERVICES for pod in chart.pods(name)}


@contextmanager
def answers_of(client: httpx.Client) -> Iterator[list[str]]:
    """What the server answers, asked again and again by new connections, as long as the block runs."""
    answers, ended = list[str](), threading.Event()

    def ask() -> None:
        while not ended.wait(0.2):
            try:
                url = client.base_url.join("/api/production-sync/health")
                answers.append(str(httpx.get(url, headers=client.headers, timeout=30).status_code))
            except httpx.TransportError as error:
                answers.append(repr(error))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield answers
    finally:
        ended.set()
        asking.join()


def run_pods(chart: InstalledChart, run: str) -> list[Object]:
    return [pod for pod in chart.pods("run") if pod["metadata"]["labels"].get("dagster/run-id") == run]


def is_running(pod: Object) -> bool:
    return bool(pod["status"]["phase"] == "Running")


def retries_of(client: httpx.Client, run: str) -> list[str]:
    wanted = {"tags": [{"key": "dagster/parent_run_id", "value": run}]}
    document = {"query": RUNS, "variables": {"filter": wanted}}
    answer = client.post("/dagster/graphql", json=document).raise_for_status().json()
    return [each["runId"] for each in answer["data"]["runsOrError"]["results"]]
