"""One cluster of the sandbox as tests speak to it: plain requests over the Python client, and kubectl."""

from __future__ import annotations

from dataclasses import dataclass

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.support.kubernetes_api import KubernetesApi


@dataclass(frozen=True)
class TestCluster(KubernetesApi):
    """Named for what it is; pytest does not take it for a class of tests."""

    __test__ = False

    server: StandaloneServer
    name: str

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        done = self.server.kubectl(self.name, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SECRETS = "/api/v1/namespaces/default/secrets"
SERVICES = "/api/v1/namespaces/default/services"
PODS = "/api/v1/namespaces/default/pods"
NAMESPACES = "/api/v1/namespaces"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/default/replicasets"
