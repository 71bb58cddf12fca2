"""The add-ons that EKS offers, with the versions of late 2025: enough to choose from, not AWS's current list."""

from __future__ import annotations

from dataclasses import dataclass

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks.versions import BY_NAME, VERSIONS
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

TABLE_DATE = "2025-11"


@dataclass(frozen=True)
class Addon:
    """One add-on. Its releases, newest first, run on every Kubernetes version; kube-proxy has its own for each."""

    name: str
    kind: str
    namespace: str
    releases: tuple[str, ...]
    publisher: str = "eks"

    def versions(self, kubernetes: str) -> tuple[str, ...]:
        """What may be installed on a Kubernetes version, the default one first."""
        if kubernetes not in BY_NAME:
            return ()
        patch = BY_NAME[kubernetes].patch
        return self.releases or tuple(f"v{patch}-eksbuild.{build}" for build in (2, 1))


ADDONS = (
    Addon("adot", "observability", "opentelemetry-operator-system", ("v0.131.0-eksbuild.1", "v0.127.0-eksbuild.1")),
    Addon(
        "amazon-cloudwatch-observability",
        "observability",
        "amazon-cloudwatch",
        ("v4.5.0-eksbuild.1", "v4.4.0-eksbuild.1"),
    ),
    Addon("aws-ebs-csi-driver", "storage", "kube-system", ("v1.52.1-eksbuild.1", "v1.51.1-eksbuild.1")),
    Addon("aws-efs-csi-driver", "storage", "kube-system", ("v2.1.14-eksbuild.1", "v2.1.13-eksbuild.1")),
    Addon("cert-manager", "security", "cert-manager", ("v1.19.1-eksbuild.1", "v1.18.2-eksbuild.2")),
    Addon("coredns", "networking", "kube-system", ("v1.12.4-eksbuild.1", "v1.12.3-eksbuild.1")),
    Addon("eks-node-monitoring-agent", "observability", "kube-system", ("v1.4.1-eksbuild.1", "v1.4.0-eksbuild.2")),
    Addon("eks-pod-identity-agent", "security", "kube-system", ("v1.3.9-eksbuild.3", "v1.3.8-eksbuild.2")),
    Addon("kube-proxy", "networking", "kube-system", ()),
    Addon("kube-state-metrics", "observability", "kube-state-metrics", ("v2.17.0-eksbuild.4", "v2.16.0-eksbuild.1")),
    Addon("metrics-server", "observability", "kube-system", ("v0.8.0-eksbuild.2", "v0.7.2-eksbuild.4")),
    Addon(
        "prometheus-node-exporter",
        "observability",
        "prometheus-node-exporter",
        ("v1.9.1-eksbuild.4", "v1.9.1-eksbuild.3"),
    ),
    Addon("snapshot-controller", "storage", "kube-system", ("v8.3.0-eksbuild.1", "v8.2.0-eksbuild.1")),
    Addon("vpc-cni", "networking", "kube-system", ("v1.20.4-eksbuild.1", "v1.20.3-eksbuild.1")),
)
BY_ADDON = {addon.name: addon for addon in ADDONS}


def describe_addon_versions(call: Call, _world: World) -> Result:
    params = call.params
    name, kubernetes = params.get("addonName"), params.get("kubernetesVersion")
    if name and name not in BY_ADDON:
        raise AwsError("ResourceNotFoundException", f"No addon: {name}")
    wanted = [addon for addon in ADDONS if name in (None, addon.name)]
    if params.get("types"):
        wanted = [addon for addon in wanted if addon.kind in params["types"]]
    clusters = [kubernetes] if kubernetes else [version.version for version in reversed(VERSIONS)]
    return {"addons": [_described(addon, clusters) for addon in wanted]}


def _described(addon: Addon, clusters: list[str]) -> Result:
    compatible: dict[str, list[Result]] = {}
    for cluster in clusters:
        for index, version in enumerate(addon.versions(cluster)):
            compatibility = {"clusterVersion": cluster, "platformVersions": ["*"], "defaultVersion": index == 0}
            compatible.setdefault(version, []).append(compatibility)
    return {
        "addonName": addon.name,
        "type": addon.kind,
        "publisher": addon.publisher,
        "owner": "aws",
        "defaultNamespace": addon.namespace,
        "addonVersions": [
            {
                "addonVersion": version,
                "architecture": ["amd64", "arm64"],
                "compatibilities": compatibilities,
                "requiresConfiguration": False,
                "requiresIamPermissions": addon.name in _WITH_ROLE,
            }
            for version, compatibilities in compatible.items()
        ],
    }


_WITH_ROLE = frozenset({"amazon-cloudwatch-observability", "aws-ebs-csi-driver", "aws-efs-csi-driver", "vpc-cni"})
