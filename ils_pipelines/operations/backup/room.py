"""The namespace in which jobs of backups and drills run: of their own, so that they need no application and get in nobody's
way. Made when it is first needed; goes with the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.names import FIELD_MANAGER, ownership_labels
from ils_pipelines.release.objects import NAMESPACE, NETWORK_POLICY, SERVICE_ACCOUNT, Kind, ref_of
from ils_pipelines.settings.backup import BACKUP_ACCOUNT, backup_namespace

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

_POLICY = "ils-backup"
_POD_IDENTITY_AGENT = "169.254.170.23/32"
"""Where a pod gets the credentials of its AWS role, on its own node."""


def ensure_room(api: Any, environment: Environment) -> str:
    """Make it what it should be; its name. `api` is a `kubernetes.client.ApiClient`. Raises `ApiFailure`."""
    cluster, name = Cluster(api), backup_namespace(environment.name)
    for kind, body in _objects(environment, name):
        cluster.apply(ref_of(kind, body), body, force=True, manager=FIELD_MANAGER)
    return name


def _objects(environment: Environment, namespace: str) -> tuple[tuple[Kind, dict[str, Any]], ...]:
    labels = ownership_labels(environment.name)

    def body(kind: Kind, name: str, **more: Any) -> tuple[Kind, dict[str, Any]]:
        metadata = {"name": name, "labels": labels} | ({"namespace": namespace} if kind.namespaced else {})
        return kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **more}

    kind, space = body(NAMESPACE, namespace)
    space["metadata"]["labels"] = labels | {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    return (
        (kind, space),
        body(SERVICE_ACCOUNT, BACKUP_ACCOUNT, automountServiceAccountToken=False),
        body(NETWORK_POLICY, _POLICY, spec=_policy(environment)),
    )


def _policy(environment: Environment) -> dict[str, Any]:
    """Nobody talks to them; they talk to the database, to AWS and to the agent that gives them their role."""
    subnets = [{"ipBlock": {"cidr": str(cidr)}} for cidr in environment.network.private_subnets]
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": subnets, "ports": [_tcp(environment.database.port)]},
            {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [_tcp(443)]},
            {
                "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
                "ports": dns,
            },
            {"to": [{"ipBlock": {"cidr": _POD_IDENTITY_AGENT}}], "ports": [_tcp(80)]},
        ],
    }


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
