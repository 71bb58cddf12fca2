"""The API servers that keep the contract: the sandbox's always, a real one where `make tools` has built it.

Both are started once. Every test has a namespace of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.contract.kubernetes.control_plane import ControlPlane, programs
from tests.contract.kubernetes.kubelet import Kubelet
from tests.support.kubernetes_api import KubernetesApi

STANDIN = "standin"
REAL = "real"
CLUSTER = "contract"


@dataclass(frozen=True)
class Place(KubernetesApi):
    """One namespace of one of the servers."""

    server: str
    namespace: str

    def path(self, plural: str, name: str = "", group_version: str = "v1") -> str:
        """Of a collection or an object in the namespace."""
        root = f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def deployment(self, name: str = "web") -> str:
        return self.path("deployments", name, "apps/v1")


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    server = StandaloneServer.start(tmp_path_factory.mktemp("standin"))
    server.control("PUT", "settings", {"pod_ready_seconds": 0.05, "pod_stop_seconds": 0.02})
    server.create_cluster(CLUSTER, nodes=10)
    with server.api_client(CLUSTER) as client:
        yield KubernetesApi(client)
    assert server.end()


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    folder = programs()
    if folder is None:
        pytest.skip("there is no real Kubernetes control plane: build it with `make tools`, which needs Go")
    plane = ControlPlane(tmp_path_factory.mktemp("real"), folder)
    kubelet = None
    try:
        plane.start()
        with plane.api_client() as client, plane.api_client() as of_kubelet:
            kubelet = Kubelet(KubernetesApi(of_kubelet))
            kubelet.start()
            yield KubernetesApi(client)
            kubelet.end()
    finally:
        plane.end()


@pytest.fixture(params=[STANDIN, pytest.param(REAL, marks=pytest.mark.real_kubernetes)])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    api: KubernetesApi = request.getfixturevalue(request.param)
    name = f"t-{uuid.uuid4().hex[:8]}"
    api.ok("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    found = Place(api.api_client, request.param, name)
    found.eventually(lambda: found.call("GET", found.path("serviceaccounts", "default")).code == 200, "an account")
    yield found
    api.ok("DELETE", f"/api/v1/namespaces/{name}")
