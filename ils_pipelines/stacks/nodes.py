"""The managed node groups of a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.cluster import Capacity, NodeGroup
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming
from ils_pipelines.stacks.roles import ServiceRole, ServiceRoleArgs

# Join the cluster, give pods addresses, pull images from ECR.
_NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly")
_CAPACITY_TYPES = {Capacity.ON_DEMAND: "ON_DEMAND", Capacity.SPOT: "SPOT"}


@dataclass(frozen=True)
class NodesArgs:
    """What the nodes need."""

    naming: Naming
    groups: tuple[NodeGroup, ...]
    version: str
    partition: str
    cluster_name: pulumi.Output[str]
    subnet_ids: pulumi.Output[list[str]]
    security_group_id: pulumi.Output[str]
    after: Sequence[pulumi.Resource] = ()
    """What has to be there before a node can become ready."""


class Nodes(pulumi.ComponentResource):
    """One role, and a launch template and a managed group for each kind of node."""

    role_arn: pulumi.Output[str]
    group_names: pulumi.Output[list[str]]

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:Nodes", name, None, opts)
        self._args = args
        self._role = ServiceRole(
            "nodes",
            ServiceRoleArgs(
                naming=args.naming,
                purpose="nodes",
                service="ec2.amazonaws.com",
                description="Lets nodes join the cluster and pull images",
                partition=args.partition,
                managed_policies=_NODE_POLICIES,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = self._role.arn
        self.group_names = pulumi.Output.all(*(self._group(group) for group in args.groups))
        self.register_outputs({"role_arn": self.role_arn})

    def _group(self, group: NodeGroup) -> pulumi.Output[str]:
        args = self._args
        template = self._launch_template(group)
        full_name = args.naming.name(group.name)
        made: aws.eks.NodeGroup = aws.eks.NodeGroup(
            group.name,
            cluster_name=args.cluster_name,
            node_group_name=group.name,
            node_role_arn=self._role.arn,
            subnet_ids=args.subnet_ids,
            version=args.version,
            ami_type=group.ami_type.value,
            capacity_type=_CAPACITY_TYPES[group.capacity],
            instance_types=list(group.instance_types),
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                min_size=group.min_size, desired_size=group.desired_size, max_size=group.max_size
            ),
            update_config=aws.eks.NodeGroupUpdateConfigArgs(max_unavailable=1),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            labels={"ils/node-group": group.name, "ils/capacity": group.capacity.value, **group.labels},
            tags=args.naming.tags(full_name),
            opts=pulumi.ResourceOptions(
                parent=self,
                # A node whose role lacks a policy never becomes ready, and the group fails after half an hour.
                depends_on=[self._role, *args.after],
                # The autoscaler's number: applying ours again would drain nodes that are in use.
                ignore_changes=["scalingConfig.desiredSize"],
            ),
        )
        name: pulumi.Output[str] = made.node_group_name
        return name

    def _launch_template(self, group: NodeGroup) -> aws.ec2.LaunchTemplate:
        args = self._args
        full_name = args.naming.name(group.name)
        tags = args.naming.tags(full_name)
        return aws.ec2.LaunchTemplate(
            group.name,
            name=full_name,
            description=f"Nodes of group {group.name}",
            update_default_version=True,
            vpc_security_group_ids=[args.security_group_id],
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                # Pods are one hop further away than the node, and so cannot take its role.
                http_put_response_hop_limit=1,
                instance_metadata_tags="disabled",
            ),
            block_device_mappings=[
                aws.ec2.LaunchTemplateBlockDeviceMappingArgs(
                    device_name="/dev/xvda",
                    ebs=aws.ec2.LaunchTemplateBlockDeviceMappingEbsArgs(
                        volume_type="gp3",
                        volume_size=group.disk_gib,
                        # Under the account's EBS key: one of ours would need a grant for the Auto Scaling role,
                        # which a new account does not have, and nothing of worth is kept on nodes.
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            # What is started from the template gets no tag from the group or from the template itself.
            tag_specifications=[
                aws.ec2.LaunchTemplateTagSpecificationArgs(resource_type=kind, tags=tags)
                for kind in ("instance", "network-interface", "volume")
            ],
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
