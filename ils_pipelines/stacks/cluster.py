"""Layer cluster: the EKS control plane, who may use it, its add-ons, the node groups, and the AWS roles of pods."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.cluster import Cluster, UpgradePolicy
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.access import AccessEntries, AccessEntriesArgs
from ils_pipelines.stacks.addons import AFTER_NODES, BEFORE_NODES, Addons, AddonsArgs
from ils_pipelines.stacks.keys import current_account_id
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.nodes import Nodes, NodesArgs
from ils_pipelines.stacks.outputs import ClusterOutputs, EncryptionOutputs, VpcOutputs
from ils_pipelines.stacks.pod_identities import PodIdentities, PodIdentitiesArgs
from ils_pipelines.stacks.roles import ServiceRole, ServiceRoleArgs
from ils_pipelines.stacks.upstream import Upstream


@dataclass(frozen=True)
class ControlPlaneArgs:
    """What the control plane needs."""

    naming: Naming
    settings: Cluster
    partition: str
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]
    secrets_key_arn: pulumi.Output[str]
    logs_key_arn: pulumi.Output[str]


class ControlPlane(pulumi.ComponentResource):
    """The Kubernetes API, closed to the internet unless the file lists networks."""

    cluster: aws.eks.Cluster

    def __init__(self, name: str, args: ControlPlaneArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:ControlPlane", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        cluster_name = args.naming.name()
        public = [str(network) for network in args.settings.public_access_cidrs]

        role = ServiceRole(
            "control-plane",
            ServiceRoleArgs(
                naming=args.naming,
                purpose="control-plane",
                service="eks.amazonaws.com",
                description="Lets EKS run the control plane",
                partition=args.partition,
                managed_policies=("AmazonEKSClusterPolicy",),
            ),
            opts=inside,
        )
        logs = aws.cloudwatch.LogGroup(
            "control-plane",
            # The name is EKS's: it would make the group itself, without end of retention and without a key.
            name=f"/aws/eks/{cluster_name}/cluster",
            retention_in_days=args.settings.log_retention_days,
            kms_key_id=args.logs_key_arn,
            tags=args.naming.tags(args.naming.name("control-plane")),
            opts=inside,
        )
        self.cluster = aws.eks.Cluster(
            "cluster",
            name=cluster_name,
            role_arn=role.arn,
            version=args.settings.version,
            vpc_config=aws.eks.ClusterVpcConfigArgs(
                subnet_ids=args.subnet_ids,
                security_group_ids=[args.security_group_id],
                endpoint_private_access=True,
                endpoint_public_access=bool(public),
                public_access_cidrs=public or None,
            ),
            access_config=aws.eks.ClusterAccessConfigArgs(
                authentication_mode="API",
                # Whoever creates the cluster can go on to use it; everybody else needs an access entry.
                bootstrap_cluster_creator_admin_permissions=True,
            ),
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(
                support_type="EXTENDED" if args.settings.upgrade_policy is UpgradePolicy.EXTENDED else "STANDARD"
            ),
            encryption_config=aws.eks.ClusterEncryptionConfigArgs(
                provider=aws.eks.ClusterEncryptionConfigProviderArgs(key_arn=args.secrets_key_arn),
                resources=["secrets"],
            ),
            enabled_cluster_log_types=sorted(kind.value for kind in args.settings.log_types),
            deletion_protection=args.settings.deletion_protection,
            tags=args.naming.tags(cluster_name),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role, logs], protect=args.naming.protected),
        )
        self.register_outputs({"endpoint": self.cluster.endpoint})


def declare(environment: Environment, upstream: Upstream) -> None:
    """Declare the layer on top of vpc and encryption."""
    naming = Naming.of(environment, Layer.CLUSTER)
    settings, partition = environment.cluster, environment.aws.partition
    vpc = VpcOutputs.read(upstream)
    keys = EncryptionOutputs.read(upstream)
    control_plane = ControlPlane(
        "control-plane",
        ControlPlaneArgs(
            naming=naming,
            settings=settings,
            partition=partition,
            # Only private subnets: what the control plane puts into the VPC needs no way in from the internet.
            subnet_ids=vpc.private_subnet_ids,
            security_group_id=vpc.cluster_security_group_id,
            secrets_key_arn=keys.cluster_key_arn,
            logs_key_arn=keys.logs_key_arn,
        ),
    )
    cluster = control_plane.cluster
    AccessEntries("access", AccessEntriesArgs(naming, partition, cluster.name, settings.access))
    versions = settings.addon_versions
    first = Addons("addons-of-nodes", AddonsArgs(naming, cluster.name, BEFORE_NODES, versions))
    nodes = Nodes(
        "nodes",
        NodesArgs(
            naming=naming,
            groups=settings.node_groups,
            version=settings.node_version or settings.version,
            partition=partition,
            cluster_name=cluster.name,
            subnet_ids=vpc.private_subnet_ids,
            security_group_id=vpc.nodes_security_group_id,
            after=[first],
        ),
    )
    pods = PodIdentities(
        "pods", PodIdentitiesArgs(naming, environment, cluster.name, current_account_id(), keys.tables_key_arn)
    )
    rest = Addons("addons", AddonsArgs(naming, cluster.name, AFTER_NODES, versions, after=[nodes, pods]))
    ClusterOutputs(
        cluster_name=cluster.name,
        cluster_arn=cluster.arn,
        cluster_version=cluster.version,
        endpoint=cluster.endpoint,
        certificate_authority=cluster.certificate_authority.apply(lambda found: found.data),
        eks_security_group_id=cluster.vpc_config.apply(lambda found: found.cluster_security_group_id),
        node_role_arn=nodes.role_arn,
        node_group_names=nodes.group_names,
        addon_names=pulumi.Output.all(first.names, rest.names).apply(lambda names: [*names[0], *names[1]]),
        app_role_arn=pods.application_role_arn,
        load_balancer_controller_role_arn=pods.controller_role_arn,
        cluster_autoscaler_role_arn=pods.autoscaler_role_arn,
    ).export()
