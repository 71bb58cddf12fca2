"""Pods of the application answer at their addresses and through their services, for as long as their containers run."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, PODS, SERVICES, TestCluster
from tests.support.kubernetes_api import MERGE, Answer, config_map, deployment

JOBS = "/apis/batch/v1/namespaces/default/jobs"
PORT = "8080"


@pytest.fixture(autouse=True)
def _processes_allowed(server: StandaloneServer) -> Iterator[None]:
    server.control("PUT", "settings", {"host_processes": True})
    yield
    server.control("PUT", "settings", {"host_processes": False})


def application(*, image: str = "ils/app:1.0.0", replicas: int = 1, **container: Any) -> dict[str, Any]:
    body = deployment(image=image, replicas=replicas)
    body["spec"]["template"]["spec"]["containers"][0] |= {"env": [{"name": "PORT", "value": PORT}], **container}
    return body


def service(**port: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 5000, "targetPort": int(PORT), **port}]
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}


def serve(cluster: TestCluster, **more: Any) -> None:
    """Make a service and the application behind it; return once a pod is ready."""
    cluster.ok("POST", SERVICES, service())
    cluster.ok("POST", DEPLOYMENTS, application(**more))
    cluster.eventually(lambda: asked(cluster).code == 200, "an answer")


def asked(cluster: TestCluster, path: str = "/health", place: str = f"{SERVICES}/web:http") -> Answer:
    return cluster.call("GET", f"{place}/proxy{path}")


def only_pod(cluster: TestCluster) -> Any:
    def running() -> Any:
        found = cluster.ok("GET", PODS)["items"]
        return found[0] if found and found[0]["status"].get("podIP") else None

    return cluster.eventually(running, "a pod")


def told(cluster: TestCluster, name: str = "looks", *, env: Any = (), **pod: Any) -> dict[str, str]:
    """The variables of a container that runs as a process."""
    program = "import json, os; print(json.dumps(dict(os.environ)))"
    work = {"name": "work", "image": "work:1", "command": [sys.executable, "-c", program], "env": list(env)}
    spec = {"restartPolicy": "Never", "containers": [work], **pod}
    cluster.ok("POST", JOBS, {"metadata": {"name": name}, "spec": {"template": {"spec": spec}}})
    cluster.kubectl("wait", "--for=condition=Complete", f"job/{name}", "--timeout=30s")
    found: dict[str, str] = json.loads(cluster.kubectl("logs", f"job/{name}"))
    return found


def fetched(variables: dict[str, str], path: str = "/health") -> int:
    """The status of what a service's address answers."""
    address = f"http://{variables['WEB_SERVICE_HOST']}:{variables['WEB_SERVICE_PORT']}{path}"
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_service_and_its_pods_answer_through_the_api_server(cluster: TestCluster) -> None:
    serve(cluster)
    pod = only_pod(cluster)["metadata"]["name"]

    for place in (f"{SERVICES}/web:5000", f"{SERVICES}/http:web:http", f"{PODS}/{pod}", f"{PODS}/{pod}:{PORT}"):
        answer = asked(cluster, place=place)
        assert (answer.code, answer.body) == (200, {"status": "ok"}), place
    assert asked(cluster, "/ready").body["missing"]["database"] == "DATABASE_URL is not set"
    assert asked(cluster, "/elsewhere").code == 404


def test_what_the_application_answers_is_told_by_kubectl_too(cluster: TestCluster) -> None:
    serve(cluster)

    assert cluster.kubectl("get", "--raw", f"{SERVICES}/web:http/proxy/health") == '{"status":"ok"}'


@pytest.mark.parametrize("more", [{"env": []}, {"env": [{"name": "PORT", "value": "9"}]}, {"command": ["sleep", "9"]}])
def test_a_container_that_is_not_told_that_port_does_not_listen_there(cluster: TestCluster, more: Any) -> None:
    cluster.ok("POST", DEPLOYMENTS, application(**more))
    found = only_pod(cluster)

    answer = asked(cluster, place=f"{PODS}/{found['metadata']['name']}:{PORT}")

    assert answer.code == 503
    refused = f"dial tcp {found['status']['podIP']}:{PORT}: connect: connection refused"
    assert answer.message == f"error trying to reach service: {refused}"


@pytest.mark.parametrize(
    ("tag", "health", "ready"), [("crash", 503, 503), ("never-ready", 200, 503), ("liveness-fails", 500, 503)]
)
def test_a_broken_image_answers_as_its_probes_find_it(cluster: TestCluster, tag: str, health: int, ready: int) -> None:
    cluster.server.control("PUT", "settings", {"liveness_seconds": 60})
    try:
        probe = {"httpGet": {"path": "/health", "port": 8080}}
        cluster.ok("POST", SERVICES, service())
        cluster.ok("POST", DEPLOYMENTS, application(image=f"ils/app:{tag}", livenessProbe=probe))
        pod = only_pod(cluster)["metadata"]["name"]

        assert [asked(cluster, path, f"{PODS}/{pod}").code for path in ("/health", "/ready")] == [health, ready]
    finally:
        cluster.server.control("PUT", "settings", {"liveness_seconds": 0.5})


def test_pods_whose_image_breaks_answer_no_more_until_it_is_well_again(cluster: TestCluster) -> None:
    serve(cluster)
    images, image = f"clusters/{cluster.name}/images", "ils/app:1.0.0"

    cluster.server.control("PUT", images, {"image": image, "outcome": "crashes"})
    cluster.eventually(lambda: asked(cluster).code == 503, "no answer")
    cluster.server.control("PUT", images, {"image": image, "outcome": None})

    cluster.eventually(lambda: asked(cluster).code == 200, "an answer again")


def test_pods_of_a_node_that_is_silent_are_silent(cluster: TestCluster) -> None:
    serve(cluster)
    pod = only_pod(cluster)
    node = pod["spec"]["nodeName"]

    cluster.server.control("PUT", f"clusters/{cluster.name}/nodes/{node}", {"answers": False})

    assert "i/o timeout" in asked(cluster, place=f"{PODS}/{pod['metadata']['name']}").message


def test_a_container_keeps_the_variables_that_it_was_started_with(cluster: TestCluster) -> None:
    cluster.ok("POST", CONFIG_MAPS, config_map("settings", PORT=PORT))
    serve(cluster, env=[], envFrom=[{"configMapRef": {"name": "settings"}}])

    cluster.ok("PATCH", f"{CONFIG_MAPS}/settings", {"data": {"PORT": "9"}}, MERGE)
    assert asked(cluster).code == 200
    cluster.kubectl("rollout", "restart", "deployment/web")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=30s")

    assert "connection refused" in asked(cluster).message


def test_containers_are_told_of_the_services_of_their_namespace(cluster: TestCluster) -> None:
    serve(cluster, replicas=2)

    variables = told(cluster)

    assert variables["WEB_SERVICE_HOST"].startswith("127.")
    assert variables["WEB_SERVICE_PORT_HTTP"] == variables["WEB_SERVICE_PORT"]
    assert (fetched(variables), fetched(variables, "/ready"), fetched(variables, "/elsewhere")) == (200, 503, 404)
    assert told(cluster, "again")["WEB_SERVICE_HOST"] == variables["WEB_SERVICE_HOST"]


def test_what_a_pod_says_itself_stands_before_what_it_is_told_of_services(cluster: TestCluster) -> None:
    cluster.ok("POST", SERVICES, service())
    own = [{"name": "WEB_SERVICE_HOST", "value": "mine"}, {"name": "PLACE", "value": "$(WEB_SERVICE_PORT)"}]

    variables = told(cluster, env=own)

    assert variables["WEB_SERVICE_HOST"] == "mine"
    assert variables["PLACE"] == variables["WEB_SERVICE_PORT"]
    assert not any(name.startswith("WEB_") for name in told(cluster, "unlinked", enableServiceLinks=False))


def test_a_service_without_ready_pods_says_so_at_its_address(cluster: TestCluster) -> None:
    serve(cluster)
    variables = told(cluster)
    assert fetched(variables) == 200

    cluster.kubectl("scale", "deployment/web", "--replicas=0")
    cluster.eventually(lambda: fetched(variables) == 503, "nobody there")
    cluster.kubectl("scale", "deployment/web", "--replicas=1")

    cluster.eventually(lambda: fetched(variables) == 200, "somebody there")


def test_nobody_listens_any_more_for_a_service_that_is_gone(cluster: TestCluster) -> None:
    serve(cluster)
    variables = told(cluster)

    cluster.ok("DELETE", f"{SERVICES}/web")

    def refused() -> bool:
        try:
            fetched(variables)
        except (urllib.error.URLError, ConnectionError):
            return True
        return False

    cluster.eventually(refused, "a refused connection")
