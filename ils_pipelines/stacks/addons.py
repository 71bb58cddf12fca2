"""The add-ons of a cluster that EKS maintains, in the order in which a cluster needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming


@dataclass(frozen=True)
class ServiceAccount:
    """A service account of the cluster, which need not exist yet."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Addon:
    """One add-on."""

    name: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """What differs from its defaults."""


# Daemons of the nodes themselves: a node without addresses for pods does not become ready.
BEFORE_NODES = (
    Addon("vpc-cni", {"enableNetworkPolicy": "true"}),  # else network policies are accepted and do nothing
    Addon("kube-proxy"),
    Addon("eks-pod-identity-agent"),
)
# Deployments: EKS calls them degraded, and waits, until there are nodes for them.
AFTER_NODES = (
    Addon("coredns"),
    Addon("metrics-server"),  # without it the autoscaler of the pods knows no load
)


@dataclass(frozen=True)
class AddonsArgs:
    """What the add-ons need."""

    naming: Naming
    cluster_name: pulumi.Output[str]
    addons: tuple[Addon, ...]
    versions: Mapping[str, str]
    """By add-on; EKS's default for the cluster's version where there is none."""
    after: Sequence[pulumi.Resource] = ()
    """What has to be there first."""


class Addons(pulumi.ComponentResource):
    """Add-ons that need each other no further than their order says."""

    names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:Addons", name, None, opts)
        made = [
            aws.eks.Addon(
                addon.name,
                cluster_name=args.cluster_name,
                addon_name=addon.name,
                addon_version=args.versions.get(addon.name),
                configuration_values=json.dumps(addon.configuration, sort_keys=True) if addon.configuration else None,
                # EKS starts a cluster with its own copies of some of them, which these take the place of.
                resolve_conflicts_on_create="OVERWRITE",
                resolve_conflicts_on_update="OVERWRITE",
                tags=args.naming.tags(args.naming.name(addon.name)),
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            )
            for addon in args.addons
        ]
        self.names = pulumi.Output.all(*(each.addon_name for each in made))
        self.register_outputs({"names": self.names})
