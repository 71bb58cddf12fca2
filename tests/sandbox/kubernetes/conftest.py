"""A Kubernetes server for all tests of a run, and a cluster of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import TestCluster


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneServer]:
    started = StandaloneServer.start(tmp_path_factory.mktemp("kubernetes"))
    started.control("PUT", "settings", {"pod_ready_seconds": 0.05, "pod_stop_seconds": 0.02})
    yield started
    assert started.end()


@pytest.fixture
def cluster(server: StandaloneServer) -> Iterator[TestCluster]:
    name = f"c-{uuid.uuid4().hex[:8]}"
    server.create_cluster(name)
    with server.api_client(name) as api_client:
        yield TestCluster(api_client, server, name)
    server.control("DELETE", f"clusters/{name}")
