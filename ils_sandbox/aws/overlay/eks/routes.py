"""What is answered of EKS."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks import (
    access,
    addon_versions,
    addons,
    clusters,
    nodegroups,
    pod_identities,
    updates,
    versions,
)
from ils_sandbox.aws.overlay.eks.records import ACCESS_ENTRIES, ADDONS, ASSOCIATIONS, CLUSTERS, NODEGROUPS
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

ARNS = {
    CLUSTERS: "arn",
    NODEGROUPS: "nodegroupArn",
    ADDONS: "addonArn",
    ACCESS_ENTRIES: "accessEntryArn",
    ASSOCIATIONS: "associationArn",
}
"""By table, where a record has its ARN."""


def _tagged(call: Call, world: World) -> dict[str, str]:
    """The tags of the resource that the call names, to be changed in place."""
    arn = call.params["resourceArn"]
    for table, member in ARNS.items():
        for record in world.table(table, call).values():
            if record[member] == arn:
                tags: dict[str, str] = record["tags"]
                return tags
    raise AwsError("NotFoundException", f"No resource found for ARN: {arn}", 404)


def tag_resource(call: Call, world: World) -> Result:
    _tagged(call, world).update(call.params["tags"])
    return {}


def untag_resource(call: Call, world: World) -> Result:
    tags = _tagged(call, world)
    for key in call.params["tagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags_for_resource(call: Call, world: World) -> Result:
    return {"tags": dict(_tagged(call, world))}


ROUTES: Routes = {
    "AssociateAccessPolicy": access.associate_access_policy,
    "CreateAccessEntry": access.create_access_entry,
    "CreateAddon": addons.create_addon,
    "CreateCluster": clusters.create_cluster,
    "CreateNodegroup": nodegroups.create_nodegroup,
    "CreatePodIdentityAssociation": pod_identities.create_pod_identity_association,
    "DeleteAccessEntry": access.delete_access_entry,
    "DeleteAddon": addons.delete_addon,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteNodegroup": nodegroups.delete_nodegroup,
    "DeletePodIdentityAssociation": pod_identities.delete_pod_identity_association,
    "DescribeAccessEntry": access.describe_access_entry,
    "DescribeAddon": addons.describe_addon,
    "DescribeAddonVersions": addon_versions.describe_addon_versions,
    "DescribeCluster": clusters.describe_cluster,
    "DescribeClusterVersions": versions.describe_cluster_versions,
    "DescribeNodegroup": nodegroups.describe_nodegroup,
    "DescribePodIdentityAssociation": pod_identities.describe_pod_identity_association,
    "DescribeUpdate": updates.describe_update,
    "DisassociateAccessPolicy": access.disassociate_access_policy,
    "ListAccessEntries": access.list_access_entries,
    "ListAccessPolicies": access.list_access_policies,
    "ListAddons": addons.list_addons,
    "ListAssociatedAccessPolicies": access.list_associated_access_policies,
    "ListClusters": clusters.list_clusters,
    "ListNodegroups": nodegroups.list_nodegroups,
    "ListPodIdentityAssociations": pod_identities.list_pod_identity_associations,
    "ListTagsForResource": list_tags_for_resource,
    "ListUpdates": updates.list_updates,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateAccessEntry": access.update_access_entry,
    "UpdateAddon": addons.update_addon,
    "UpdateClusterConfig": updates.update_cluster_config,
    "UpdateClusterVersion": updates.update_cluster_version,
    "UpdateNodegroupConfig": updates.update_nodegroup_config,
    "UpdateNodegroupVersion": updates.update_nodegroup_version,
    "UpdatePodIdentityAssociation": pod_identities.update_pod_identity_association,
}
