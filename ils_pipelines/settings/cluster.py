"""The Kubernetes cluster of an environment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.access import Access, unique_access
from ils_pipelines.settings.pod_identities import PodIdentitySettings, unique_identities
from ils_pipelines.settings.problems import Finding, Severity
from ils_pipelines.settings.rules import repeated, rule
from ils_pipelines.settings.section import Cidr, Count, DnsLabel, Flag, LogRetentionDays, Section, text
from ils_pipelines.settings.version_rules import version_findings
from ils_pipelines.settings.versions import Product, Support, classify


class Capacity(StrEnum):
    """How EC2 sells the nodes."""

    ON_DEMAND = "on_demand"
    SPOT = "spot"
    """Up to 90 % cheaper, taken back with two minutes' notice."""


class UpgradePolicy(StrEnum):
    """What EKS does when standard support of the version ends."""

    STANDARD = "standard"
    """Upgrades the control plane by itself."""
    EXTENDED = "extended"
    """Keeps the version for another year at six times the price."""


class ControlPlaneLog(StrEnum):
    """The logs the control plane can write."""

    API = "api"
    AUDIT = "audit"
    AUTHENTICATOR = "authenticator"
    CONTROLLER_MANAGER = "controllerManager"
    SCHEDULER = "scheduler"


class AmiType(StrEnum):
    """Images EKS maintains for nodes."""

    AL2023_X86 = "AL2023_x86_64_STANDARD"
    AL2023_ARM = "AL2023_ARM_64_STANDARD"


ADDONS = (
    "vpc-cni",
    "kube-proxy",
    "eks-pod-identity-agent",
    "coredns",
    "metrics-server",
    "amazon-cloudwatch-observability",
    "cert-manager",
    "adot",
)
"""The add-ons there may be; the last three come with the monitoring layer."""

MOST_BEHIND = 3
"""Minor versions that a kubelet may be older than the API server (https://kubernetes.io/releases/version-skew-policy)."""


def minor(version: str) -> int:
    """`35` of `1.35`; -1 of what is no version."""
    last = version.rpartition(".")[2]
    return int(last) if last.isdigit() else -1


InstanceType = Annotated[
    str, text(r"[a-z0-9-]+\.[a-z0-9-]+", "is not an EC2 instance type", 'Write for example "t3.medium".')
]


AddonName = Annotated[
    str,
    text(
        "|".join(ADDONS),
        "is not an add-on that a layer installs",
        f"Use one of {', '.join(ADDONS)}.",
    ),
]
AddonVersion = Annotated[
    str,
    text(
        r"v\d+\.\d+\.\d+-eksbuild\.\d+",
        "is not a version of an EKS add-on",
        'Write for example "v1.20.4-eksbuild.1"; `aws eks describe-addon-versions` lists them.',
    ),
]


_REPLACES = "Another one replaces the group, whose nodes go before the new ones come: add a group beside it instead."


class NodeGroup(Section):
    """Nodes that are alike."""

    name: DnsLabel = Field(description="Name within the cluster.", examples=["general"])
    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1)] = Field(
        default=("t3.medium",), description=f"EC2 instance types, best first; spot wants several. {_REPLACES}"
    )
    capacity: Capacity = Field(default=Capacity.ON_DEMAND, description=f"How EC2 sells the nodes. {_REPLACES}")
    ami_type: AmiType = Field(
        default=AmiType.AL2023_X86, description=f"Image of the nodes; must fit the instance types. {_REPLACES}"
    )
    min_size: Annotated[int, Field(strict=True, ge=0)] = Field(default=2, description="Fewest nodes.")
    desired_size: Annotated[int, Field(strict=True, ge=0)] = Field(
        default=2,
        description="Nodes at creation. Afterwards the autoscaler decides and this number is not applied again.",
    )
    max_size: Count = Field(default=5, description="Most nodes.")
    disk_gib: Annotated[int, Field(strict=True, ge=20, le=16384)] = Field(
        default=50, description="Size of each node's encrypted gp3 root volume, in GiB."
    )
    labels: dict[str, str] = Field(default_factory=dict, description="Kubernetes labels of the nodes.")


class Expander(StrEnum):
    """Which group the autoscaler takes a new node from, where several would do."""

    LEAST_WASTE = "least-waste"
    """The one that leaves the least unused."""
    PRICE = "price"
    RANDOM = "random"


class NodeAutoscaler(Section):
    """The Cluster Autoscaler: nodes come for pods that find no room, and go when they are not needed, within the bounds of
    their groups."""

    enabled: Flag = Field(
        default=False, description="Whether the cluster gives it a role; otherwise nodes are people's to scale."
    )
    expander: Expander = Field(default=Expander.LEAST_WASTE, description="Which group a new node is taken from.")
    idle_percent: Annotated[int, Field(strict=True, ge=1, le=99)] = Field(
        default=50, description="A node whose pods ask for less than this is not needed, if they fit elsewhere."
    )
    idle_minutes: Annotated[int, Field(strict=True, ge=1, le=1440)] = Field(
        default=10, description="Minutes that a node is not needed before it goes."
    )


class Cluster(Section):
    """Control plane and nodes."""

    version: str = Field(default="1.35", description="Kubernetes version, in quotes.")
    node_version: str | None = Field(
        default=None,
        description="Kubernetes version of the nodes, in quotes; None is the cluster's. They may be older for a while, by "
        "three minor versions at most; `ils upgrade` brings them along by itself.",
        examples=["1.34"],
    )
    upgrade_policy: UpgradePolicy = Field(
        default=UpgradePolicy.STANDARD, description="What EKS does when standard support of the version ends."
    )
    node_groups: Annotated[tuple[NodeGroup, ...], Field(min_length=1)] = Field(
        default=(NodeGroup(name="general"),), description="The managed node groups."
    )
    autoscaler: NodeAutoscaler = Field(
        default_factory=NodeAutoscaler, description="Whether nodes follow the pods within their groups' bounds."
    )
    log_types: tuple[ControlPlaneLog, ...] = Field(
        default=tuple(ControlPlaneLog), description="Control-plane logs sent to CloudWatch."
    )
    log_retention_days: LogRetentionDays = Field(default=7, description="Days control-plane logs are kept.")
    public_access_cidrs: tuple[Cidr, ...] = Field(
        default=(), description="Networks that reach the public API endpoint; empty turns that endpoint off."
    )
    private_access_cidrs: tuple[Cidr, ...] = Field(
        default=(), description="Networks, beside the nodes, that reach the private API endpoint, e.g. a VPN's."
    )
    access: tuple[Access, ...] = Field(
        default=(), description="Who may use the Kubernetes API, beside whoever makes the cluster."
    )
    pod_identities: tuple[PodIdentitySettings, ...] = Field(
        default=(), description="AWS roles of service accounts beside those of the application and of the add-ons."
    )
    addon_versions: dict[AddonName, AddonVersion] = Field(
        default_factory=dict,
        description="Versions of EKS add-ons that are pinned; of the others EKS picks its default for the version.",
    )
    deletion_protection: Flag = Field(default=False, description="Whether EKS itself refuses to delete the cluster.")


@rule(NodeGroup, "min_size", "desired_size", "max_size")
def _sizes_in_order(group: NodeGroup, _today: date) -> Iterator[Finding]:
    if not group.min_size <= group.desired_size <= group.max_size:
        yield Finding(
            ("desired_size",),
            group.desired_size,
            f"min_size ({group.min_size}) <= desired_size ({group.desired_size}) <= max_size ({group.max_size}) must hold",
            "Change the one of the three that is not meant.",
        )


@rule(Cluster, "node_groups")
def _unique_names(cluster: Cluster, _today: date) -> Iterator[Finding]:
    for index in repeated(group.name for group in cluster.node_groups):
        yield Finding(
            ("node_groups", index, "name"),
            cluster.node_groups[index].name,
            "is the name of another node group too",
            "Give every node group a name of its own.",
        )


@rule(Cluster, "node_groups", "autoscaler")
def _groups_to_scale(cluster: Cluster, _today: date) -> Iterator[Finding]:
    if cluster.autoscaler.enabled and all(group.min_size == group.max_size for group in cluster.node_groups):
        yield Finding(
            ("autoscaler", "enabled"),
            True,
            "has nothing to do: no node group has room between min_size and max_size",
            "Give one of them a larger max_size, or turn the autoscaler off.",
            severity=Severity.WARNING,
        )


@rule(Cluster, "access")
def _unique_access(cluster: Cluster, _today: date) -> Iterator[Finding]:
    yield from unique_access(cluster.access)


@rule(Cluster, "pod_identities")
def _unique_identities(cluster: Cluster, _today: date) -> Iterator[Finding]:
    yield from unique_identities(cluster.pod_identities)


@rule(Cluster, "node_groups")
def _room_for_addons(cluster: Cluster, _today: date) -> Iterator[Finding]:
    if not any(group.min_size for group in cluster.node_groups):
        yield Finding(
            ("node_groups",),
            [group.name for group in cluster.node_groups],
            "may all shrink to nothing, which leaves the cluster's DNS and its other add-ons without a node",
            "Give one of them a min_size of 1 or more.",
        )


@rule(Cluster, "public_access_cidrs")
def _limited_public_access(cluster: Cluster, _today: date) -> Iterator[Finding]:
    for index, network in enumerate(cluster.public_access_cidrs):
        if network.prefixlen < 8:
            yield Finding(
                ("public_access_cidrs", index),
                str(network),
                "opens the Kubernetes API to half the internet",
                "List the networks of the people who need it, or none.",
            )


@rule(Cluster, "version", "node_version")
def _nodes_follow(cluster: Cluster, _today: date) -> Iterator[Finding]:
    if cluster.node_version is None:
        return
    behind = minor(cluster.version) - minor(cluster.node_version)
    if not 0 <= behind <= MOST_BEHIND:
        yield Finding(
            ("node_version",),
            cluster.node_version,
            f"nodes may not be newer than the cluster ({cluster.version}), nor more than {MOST_BEHIND} minor versions older",
            "Leave it out, and the nodes have the cluster's.",
        )


@rule(Cluster, "version", "upgrade_policy")
def _known_version(cluster: Cluster, today: date) -> Iterator[Finding]:
    yield from version_findings(Product.EKS, cluster.version, ("version",), today)
    in_extended = classify(Product.EKS, cluster.version, today).support is Support.EXTENDED
    if in_extended and cluster.upgrade_policy is UpgradePolicy.STANDARD:
        yield Finding(
            ("upgrade_policy",),
            cluster.upgrade_policy.value,
            f"EKS creates no new cluster of {cluster.version} under this policy, and upgrades an existing one by itself",
            'Use a version in standard support, or accept the price with "extended".',
            severity=Severity.WARNING,
        )
