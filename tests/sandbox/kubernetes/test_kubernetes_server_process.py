"""The server as a process: what it keeps, whom it lets in, what its control API counts and changes."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ils_sandbox.control.listener import PORT_TAKEN
from ils_sandbox.kubernetes.__main__ import SECONDS_TO_END
from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import CONFIG_MAPS, DEPLOYMENTS, PODS, TestCluster
from tests.support.kubernetes_api import config_map, deployment


@pytest.fixture
def own(tmp_path: Path) -> Iterator[StandaloneServer]:
    """A server that a test may end."""
    started = StandaloneServer.start(tmp_path)
    yield started
    if started.server.process.poll() is None:
        started.end()


LENSES = "/apis/example.com/v1/namespaces/default/lenses"


def make_lens(cluster: TestCluster) -> Any:
    """An object of a kind that a definition brings."""
    names = {"kind": "Lens", "plural": "lenses"}
    kept = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": kept}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    cluster.ok("POST", definitions, {"metadata": {"name": "lenses.example.com"}, "spec": spec})
    return cluster.ok("POST", LENSES, {"metadata": {"name": "one"}, "spec": {"size": 3}})


def available(cluster: TestCluster) -> int:
    return int(cluster.ok("GET", f"{DEPLOYMENTS}/web").get("status", {}).get("availableReplicas", 0))


@pytest.mark.parametrize("ending", ["end", "kill"])
def test_everything_survives_a_restart(own: StandaloneServer, ending: str) -> None:
    own.create_cluster("dev", version="1.34")
    with own.api_client("dev") as api_client:
        cluster = TestCluster(api_client, own, "dev")
        cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))
        web = deployment(replicas=2)
        web["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "PORT", "value": "8080"}]
        cluster.ok("POST", DEPLOYMENTS, web)
        cluster.eventually(lambda: available(cluster) == 2, "two pods")
        before = cluster.ok("GET", f"{CONFIG_MAPS}/settings")
        lens = make_lens(cluster)
        pods = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in cluster.ok("GET", PODS)["items"]}
        certificate = own.ca_file.read_bytes()
    getattr(own, ending)()

    again = StandaloneServer.start(own.directory)
    try:
        assert again.ca_file.read_bytes() == certificate
        assert again.control("GET", "clusters") == [{"name": "dev", "version": "1.34", "nodes": 2}]
        with again.api_client("dev") as api_client:
            cluster = TestCluster(api_client, again, "dev")
            assert cluster.ok("GET", f"{CONFIG_MAPS}/settings") == before
            assert cluster.ok("GET", f"{LENSES}/one") == lens
            cluster.ok("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 3}}, "application/merge-patch+json")
            cluster.eventually(lambda: available(cluster) == 3, "a third pod")
            assert pods.keys() < {pod["metadata"]["uid"] for pod in cluster.ok("GET", PODS)["items"]}
            for name in pods.values():
                assert cluster.ok("GET", f"{PODS}/{name}:8080/proxy/health") == {"status": "ok"}
    finally:
        again.end()


def test_a_rollout_that_was_under_way_goes_on_after_a_restart(own: StandaloneServer) -> None:
    own.control("PUT", "settings", {"pod_ready_seconds": 3600})
    own.create_cluster("dev")
    with own.api_client("dev") as api_client:
        TestCluster(api_client, own, "dev").ok("POST", DEPLOYMENTS, deployment(replicas=2))
    own.kill()

    again = StandaloneServer.start(own.directory)
    try:
        with again.api_client("dev") as api_client:
            cluster = TestCluster(api_client, again, "dev")
            cluster.eventually(lambda: available(cluster) == 2, "two pods")
    finally:
        again.end()


def test_a_stop_ends_open_watches_and_takes_less_than_its_limit(own: StandaloneServer) -> None:
    own.create_cluster("dev")
    with own.api_client("dev") as api_client:
        cluster = TestCluster(api_client, own, "dev")
        with cluster.watch(CONFIG_MAPS, fieldSelector="metadata.name=kube-root-ca.crt") as events:
            next(events)
            started = time.monotonic()
            assert own.end()
            assert time.monotonic() - started < SECONDS_TO_END


def test_a_port_that_is_taken_is_reported(tmp_path: Path, server: StandaloneServer) -> None:
    tls = server.ca_file.parent
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = ["--directory", str(tmp_path), "--port", str(port)]
        arguments += ["--tls-cert", str(tls / "server.crt"), "--tls-key", str(tls / "server.key")]
        done = subprocess.run(
            [sys.executable, "-m", "ils_sandbox.kubernetes", *arguments],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    assert done.returncode == PORT_TAKEN
    assert done.stderr.strip() == (
        f"port {port} of 127.0.0.1 is taken by another process: choose a free one with --port, or end that process"
    )


# -- who is let in ----------------------------------------------------------------------------------------------------


def request(server: StandaloneServer, path: str, headers: dict[str, str], body: bytes | None = None) -> int:
    context = ssl.create_default_context(cafile=str(server.ca_file))
    asked = urllib.request.Request(f"{server.server.endpoint}{path}", headers=headers, data=body)
    try:
        with urllib.request.urlopen(asked, context=context, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic k8s-aws-v1.x"}, 401),
        ({"Authorization": "Bearer k8s-aws-v1.c29tZXRoaW5n"}, 200),
    ],
)
def test_only_known_tokens_are_accepted(cluster: TestCluster, authorization: dict[str, str], status: int) -> None:
    path = f"/clusters/{cluster.name}{CONFIG_MAPS}"

    assert request(cluster.server, path, authorization) == status


def test_a_cluster_that_does_not_exist_is_not_found(server: StandaloneServer) -> None:
    assert request(server, "/clusters/nowhere/version", {"Authorization": f"Bearer {server.token}"}) == 404


def test_only_the_sandboxs_own_authority_vouches_for_the_server(cluster: TestCluster) -> None:
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(cluster.server.cluster_url(cluster.name), timeout=5)


def test_a_body_in_protobuf_is_refused_by_its_media_type(cluster: TestCluster) -> None:
    headers = {
        "Authorization": f"Bearer {cluster.server.token}",
        "Content-Type": "application/vnd.kubernetes.protobuf",
    }

    assert request(cluster.server, f"/clusters/{cluster.name}{CONFIG_MAPS}", headers, b"k8s\x00") == 415


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/vnd.kubernetes.protobuf,application/json", 200),
        ("application/vnd.kubernetes.protobuf", 406),
    ],
)
def test_a_client_that_takes_no_json_is_told_so(cluster: TestCluster, accept: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {cluster.server.token}", "Accept": accept}

    assert request(cluster.server, f"/clusters/{cluster.name}{CONFIG_MAPS}", headers) == status


@pytest.mark.parametrize(("value", "expected"), [("True", 200), ("t", 200), ("1", 200), ("FALSE", 200), ("yes", 400)])
def test_booleans_are_read_as_go_reads_them(cluster: TestCluster, value: str, expected: int) -> None:
    answer = cluster.call("GET", CONFIG_MAPS, watch="false", allowWatchBookmarks=value, timeoutSeconds="1")
    watched = cluster.call("GET", f"{CONFIG_MAPS}/settings", watch=value) if expected == 400 else answer

    assert watched.code == expected


def test_clusters_are_worlds_of_their_own(cluster: TestCluster) -> None:
    cluster.server.create_cluster("neighbour")
    try:
        with cluster.server.api_client("neighbour") as api_client:
            neighbour = TestCluster(api_client, cluster.server, "neighbour")
            cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))

            assert neighbour.call("GET", f"{CONFIG_MAPS}/settings").code == 404
    finally:
        cluster.server.control("DELETE", "clusters/neighbour")


# -- the control API --------------------------------------------------------------------------------------------------


def operations(server: StandaloneServer, *, mutating: bool | None = None) -> list[str]:
    found: list[dict[str, Any]] = server.control("GET", "requests")
    return [item["operation"] for item in found if mutating in (None, item["mutating"])]


def test_requests_are_counted_by_verb_and_resource(cluster: TestCluster) -> None:
    cluster.server.control("DELETE", "requests")
    cluster.ok("POST", CONFIG_MAPS, config_map(a="1"))
    cluster.ok("GET", f"{CONFIG_MAPS}/settings")
    cluster.ok("GET", CONFIG_MAPS)
    cluster.apply(f"{CONFIG_MAPS}/settings", config_map(b="2"))
    cluster.apply(f"{CONFIG_MAPS}/settings", config_map(b="3"), dryRun="All")
    cluster.ok("DELETE", f"{CONFIG_MAPS}/settings")
    cluster.ok("GET", "/version/")

    assert operations(cluster.server) == [
        "create configmaps",
        "get configmaps",
        "list configmaps",
        "patch configmaps",
        "patch configmaps",
        "delete configmaps",
        "get discovery",
    ]
    assert operations(cluster.server, mutating=True) == ["create configmaps", "patch configmaps", "delete configmaps"]


def test_a_counted_request_tells_its_status_times_and_client(cluster: TestCluster) -> None:
    cluster.server.control("DELETE", "requests")
    cluster.call("GET", f"{CONFIG_MAPS}/nothing")

    (found,) = cluster.server.control("GET", "requests")

    assert (found["service"], found["status"]) == ("kubernetes", 404)
    assert found["started"] <= found["finished"] <= time.time()
    assert "python" in found["client"].lower()


def test_the_next_calls_fail_as_asked(cluster: TestCluster) -> None:
    fault = {"operation": "get configmaps", "error_code": "ServiceUnavailable", "status": 503, "times": 2, "after": 1}
    cluster.server.control("POST", "faults", fault)
    path = f"{CONFIG_MAPS}/kube-root-ca.crt"

    assert [cluster.call("GET", path).code for _ in range(4)] == [200, 503, 503, 200]


def test_faults_can_be_taken_back(cluster: TestCluster) -> None:
    cluster.server.control("POST", "faults", {"operation": "get configmaps"})
    cluster.server.control("DELETE", "faults")

    assert cluster.call("GET", f"{CONFIG_MAPS}/kube-root-ca.crt").code == 200


def test_added_latency_delays_calls_to_clusters_alone(cluster: TestCluster) -> None:
    cluster.server.control("PUT", "settings", {"latency_seconds": 0.2})
    try:
        started = time.monotonic()
        cluster.ok("GET", CONFIG_MAPS)
        assert time.monotonic() - started >= 0.2
        assert cluster.server.control("GET", "settings")["latency_seconds"] == 0.2
    finally:
        cluster.server.control("PUT", "settings", {"latency_seconds": 0})


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        ("PUT", "settings", {"latency": 1}, "there is no setting 'latency'"),
        ("PUT", "settings", {"latency_seconds": -1}, "from 0 to 3600"),
        ("PUT", "clusters/no spaces", {"version": "1.35"}, "letters, digits"),
        ("PUT", "clusters/x", {"version": "latest"}, "looks like 1.35"),
        ("PUT", "clusters/nowhere/nodegroups/g", {"nodes": 1}, "there is no cluster"),
    ],
)
def test_what_makes_no_sense_is_refused(
    server: StandaloneServer, method: str, path: str, body: dict[str, Any], why: str
) -> None:
    with pytest.raises(RuntimeError, match=why):
        server.control(method, path.replace(" ", "%20"), body)


def test_a_cluster_is_upgraded_by_putting_another_version(cluster: TestCluster) -> None:
    cluster.server.control("PUT", f"clusters/{cluster.name}", {"version": "1.36"})

    assert cluster.ok("GET", "/version/")["minor"] == "36"


def test_a_deleted_cluster_is_gone_with_everything_in_it(server: StandaloneServer) -> None:
    server.create_cluster("short-lived")
    server.control("DELETE", "clusters/short-lived")
    server.control("DELETE", "clusters/short-lived")

    assert "short-lived" not in [found["name"] for found in server.control("GET", "clusters")]
    server.create_cluster("short-lived", nodes=0)
    with server.api_client("short-lived") as api_client:
        again = TestCluster(api_client, server, "short-lived")
        assert again.ok("GET", "/api/v1/nodes")["items"] == []
    server.control("DELETE", "clusters/short-lived")
