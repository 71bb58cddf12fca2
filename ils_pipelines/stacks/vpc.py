"""Layer vpc: network, security groups and flow logs."""

from __future__ import annotations

import pulumi

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.flow_logs import VpcFlowLogs, VpcFlowLogsArgs
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.network import VpcNetwork, VpcNetworkArgs
from ils_pipelines.stacks.outputs import VpcOutputs
from ils_pipelines.stacks.security_groups import Group, Ports, SecurityGroups, SecurityGroupsArgs, flows
from ils_pipelines.stacks.upstream import Upstream


def declare(environment: Environment, _upstream: Upstream) -> None:
    """Declare the layer; it builds on no other."""
    naming = Naming.of(environment, Layer.VPC)
    settings = environment.network
    network = VpcNetwork("network", VpcNetworkArgs(naming, settings, environment.aws.region))
    allowed = flows(
        Ports(app=environment.app.port, database=environment.database.port, cache=environment.cache.port),
        tuple(str(block) for block in environment.cluster.private_access_cidrs),
    )
    groups = SecurityGroups("security-groups", SecurityGroupsArgs(naming, network.vpc_id, tuple(allowed)))
    if settings.flow_logs.enabled:
        VpcFlowLogs(
            "flow-logs",
            VpcFlowLogsArgs(
                naming=naming,
                account=environment.aws,
                encryption=environment.encryption,
                retention_days=settings.flow_logs.retention_days,
                vpc_id=network.vpc_id,
            ),
        )
    VpcOutputs(
        vpc_id=network.vpc_id,
        vpc_cidr=pulumi.Output.from_input(str(settings.cidr)),
        public_subnet_ids=network.public_subnet_ids,
        private_subnet_ids=network.private_subnet_ids,
        nat_public_ips=network.nat_public_ips,
        cluster_security_group_id=groups.ids[Group.CLUSTER],
        nodes_security_group_id=groups.ids[Group.NODES],
        database_security_group_id=groups.ids[Group.DATABASE],
        cache_security_group_id=groups.ids[Group.CACHE],
        load_balancer_security_group_id=groups.ids[Group.LOAD_BALANCER],
    ).export()
