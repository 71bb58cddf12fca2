"""Values for the Helm chart of the Cluster Autoscaler, which EKS has no add-on for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ils_pipelines.release.export.plain import as_yaml

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment

SERVICE_ACCOUNT = "cluster-autoscaler"
"""The one that layer `cluster` gives the role to, in namespace kube-system."""
_HEAD = """\
# Values of the Cluster Autoscaler of {environment}; written by `ils export {environment} --format cluster-autoscaler`.
# Bounds are those of the node groups: it finds the groups by the tags that EKS puts on them.
"""


def autoscaler_values(environment: Environment) -> str:
    """The file, for chart `cluster-autoscaler` of https://kubernetes.github.io/autoscaler."""
    settings = environment.cluster.autoscaler
    restricted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    values = {
        "fullnameOverride": SERVICE_ACCOUNT,
        "cloudProvider": "aws",
        "awsRegion": environment.aws.region,
        "autoDiscovery": {"clusterName": f"ils-{environment.name}"},
        "extraArgs": {
            "expander": settings.expander.value,
            "balance-similar-node-groups": True,
            "scale-down-utilization-threshold": settings.idle_percent / 100,
            "scale-down-unneeded-time": f"{settings.idle_minutes}m",
            "skip-nodes-with-system-pods": False,
        },
        "rbac": {"serviceAccount": {"create": True, "name": SERVICE_ACCOUNT}},
        "containerSecurityContext": restricted,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "priorityClassName": "system-cluster-critical",
        "replicaCount": 1,
    }
    return _HEAD.format(environment=environment.name) + as_yaml(values)
