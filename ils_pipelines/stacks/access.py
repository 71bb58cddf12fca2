"""Who may use the Kubernetes API: an access entry for each principal, and its access policies."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from ils_pipelines.settings.access import Access, AccessPolicy
from ils_pipelines.stacks import aws
from ils_pipelines.stacks.naming import Naming

_POLICIES = {
    AccessPolicy.VIEW: "AmazonEKSViewPolicy",
    AccessPolicy.ADMIN_VIEW: "AmazonEKSAdminViewPolicy",
    AccessPolicy.EDIT: "AmazonEKSEditPolicy",
    AccessPolicy.ADMIN: "AmazonEKSAdminPolicy",
    AccessPolicy.CLUSTER_ADMIN: "AmazonEKSClusterAdminPolicy",
}


@dataclass(frozen=True)
class AccessEntriesArgs:
    """What the entries need."""

    naming: Naming
    partition: str
    cluster_name: pulumi.Output[str]
    accesses: tuple[Access, ...]


class AccessEntries(pulumi.ComponentResource):
    """One entry for each principal; what is in no entry is in nobody's hands but those of the cluster's maker."""

    def __init__(self, name: str, args: AccessEntriesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("ils:cluster:AccessEntries", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        for access in args.accesses:
            entry = aws.eks.AccessEntry(
                access.name,
                cluster_name=args.cluster_name,
                principal_arn=access.principal_arn,
                type="STANDARD",
                kubernetes_groups=list(access.groups),  # leaving it out would accept whatever somebody adds
                tags=args.naming.tags(args.naming.name(access.name)),
                opts=inside,
            )
            for grant in access.grants:
                aws.eks.AccessPolicyAssociation(
                    f"{access.name}-{grant.policy.value.replace('_', '-')}",
                    cluster_name=args.cluster_name,
                    principal_arn=entry.principal_arn,
                    policy_arn=f"arn:{args.partition}:eks::aws:cluster-access-policy/{_POLICIES[grant.policy]}",
                    access_scope=aws.eks.AccessPolicyAssociationAccessScopeArgs(
                        type="namespace" if grant.namespaces else "cluster",
                        namespaces=list(grant.namespaces) or None,
                    ),
                    # The entry's principal is known before the entry is there.
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[entry]),
                )
        self.register_outputs({})
