"""Who may talk to whom: all security groups of an environment and their rules, as one table.

They stand together in the vpc layer because they refer to one another; cluster, database and cache only use them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import pulumi

from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.network import EVERYWHERE


class Group(StrEnum):
    """The security groups; descriptions are AWS's to keep: changing one replaces the group."""

    CLUSTER = "cluster"
    NODES = "nodes"
    DATABASE = "database"
    CACHE = "cache"
    LOAD_BALANCER = "load-balancer"


DESCRIPTIONS = {
    Group.CLUSTER: "Kubernetes control plane",
    Group.NODES: "Kubernetes nodes and their pods",
    Group.DATABASE: "Aurora PostgreSQL",
    Group.CACHE: "ElastiCache",
    Group.LOAD_BALANCER: "Application load balancer",
}


@dataclass(frozen=True)
class Ports:
    """What is listened on."""

    app: int
    database: int
    cache: int


@dataclass(frozen=True)
class Flow:
    """A connection that is allowed: out of `source` and into `target`, each a group or a network."""

    source: Group | str
    target: Group | str
    port: int
    description: str
    last_port: int | None = None
    protocol: str = "tcp"

    @property
    def name(self) -> str:
        """Unique among the flows of an environment, and the same in every run."""
        ports = str(self.port) if self.last_port is None else f"{self.port}-{self.last_port}"
        kind = "" if self.protocol == "tcp" else f"-{self.protocol}"
        return f"{_label(self.source)}-to-{_label(self.target)}-{ports}{kind}"


def _label(end: Group | str) -> str:
    return end.value if isinstance(end, Group) else "anywhere" if end == EVERYWHERE else end.replace("/", "-")


def flows(ports: Ports, private_access: tuple[str, ...]) -> Iterator[Flow]:
    """Every connection there may be; what is not here is refused.

    Replies need no rule, and neither do the VPC's own DNS and clock: security groups do not filter them.
    """
    yield Flow(EVERYWHERE, Group.LOAD_BALANCER, 80, "HTTP from the internet, redirected to HTTPS")
    yield Flow(EVERYWHERE, Group.LOAD_BALANCER, 443, "HTTPS from the internet")
    yield Flow(Group.LOAD_BALANCER, Group.NODES, ports.app, "Requests and health checks to the application")
    yield Flow(Group.NODES, Group.CLUSTER, 443, "Nodes and pods to the Kubernetes API")
    for network in private_access:
        yield Flow(network, Group.CLUSTER, 443, "Operators to the Kubernetes API")
    yield Flow(Group.CLUSTER, Group.NODES, 443, "API server to webhooks")
    yield Flow(Group.CLUSTER, Group.NODES, 10251, "API server to the metrics server, as EKS configures it")
    yield Flow(Group.CLUSTER, Group.NODES, 8443, "API server to webhooks of operators")
    yield Flow(Group.CLUSTER, Group.NODES, 9443, "API server to the webhook of the load balancer controller")
    yield Flow(Group.CLUSTER, Group.NODES, 10250, "API server to kubelets: logs, exec, metrics")
    yield Flow(Group.NODES, Group.NODES, 53, "DNS between pods and CoreDNS", protocol="tcp")
    yield Flow(Group.NODES, Group.NODES, 53, "DNS between pods and CoreDNS", protocol="udp")
    # Pods of different nodes talk under the nodes' addresses; ports below 1024 need privileges our pods do not have.
    yield Flow(Group.NODES, Group.NODES, 1025, "Pod to pod, kubelet included", last_port=65535)
    yield Flow(Group.NODES, Group.DATABASE, ports.database, "Application to PostgreSQL")
    yield Flow(Group.NODES, Group.CACHE, ports.cache, "Application to Redis")
    yield Flow(Group.NODES, EVERYWHERE, 443, "AWS APIs, images, LIMS and sign-in providers")


@dataclass(frozen=True)
class SecurityGroupsArgs:
    """What the groups need."""

    naming: Naming
    vpc_id: pulumi.Output[str]
    flows: tuple[Flow, ...]


class SecurityGroups(pulumi.ComponentResource):
    """All groups, and per flow one rule at each end that is a group."""

    ids: dict[Group, pulumi.Output[str]]

    def __init__(self, name: str, args: SecurityGroupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:vpc:SecurityGroups", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        self.ids = {}
        for group in Group:
            full_name = args.naming.name(group.value)
            self.ids[group] = aws.ec2.SecurityGroup(
                group.value,
                name=full_name,
                description=DESCRIPTIONS[group],
                vpc_id=args.vpc_id,
                tags=args.naming.tags(full_name),
                opts=inside,
            ).id
        for flow in args.flows:
            common = {
                "ip_protocol": flow.protocol,
                "from_port": flow.port,
                "to_port": flow.last_port or flow.port,
                "description": flow.description,
                "tags": args.naming.tags(args.naming.name(flow.name)),
                "opts": inside,
            }
            if isinstance(flow.target, Group):
                aws.vpc.SecurityGroupIngressRule(
                    f"{flow.name}-in", security_group_id=self.ids[flow.target], **self._peer(flow.source), **common
                )
            if isinstance(flow.source, Group):
                aws.vpc.SecurityGroupEgressRule(
                    f"{flow.name}-out", security_group_id=self.ids[flow.source], **self._peer(flow.target), **common
                )
        self.register_outputs({})

    def _peer(self, end: Group | str) -> dict[str, pulumi.Input[str]]:
        if isinstance(end, Group):
            return {"referenced_security_group_id": self.ids[end]}
        return {"cidr_ipv4": end}
