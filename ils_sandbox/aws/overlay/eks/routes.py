"""What is answered of EKS."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.eks import clusters, nodegroups, updates, versions
from ils_sandbox.aws.overlay.eks.records import CLUSTERS, NODEGROUPS
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError


def _tagged(call: Call, world: World) -> dict[str, str]:
    """The tags of the resource that the call names, to be changed in place."""
    arn = call.params["resourceArn"]
    records = [*world.table(CLUSTERS, call).values(), *world.table(NODEGROUPS, call).values()]
    for record in records:
        if arn in (record.get("arn"), record.get("nodegroupArn")):
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
    "CreateCluster": clusters.create_cluster,
    "CreateNodegroup": nodegroups.create_nodegroup,
    "DeleteCluster": clusters.delete_cluster,
    "DeleteNodegroup": nodegroups.delete_nodegroup,
    "DescribeCluster": clusters.describe_cluster,
    "DescribeClusterVersions": versions.describe_cluster_versions,
    "DescribeNodegroup": nodegroups.describe_nodegroup,
    "DescribeUpdate": updates.describe_update,
    "ListClusters": clusters.list_clusters,
    "ListNodegroups": nodegroups.list_nodegroups,
    "ListTagsForResource": list_tags_for_resource,
    "ListUpdates": updates.list_updates,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateClusterConfig": updates.update_cluster_config,
    "UpdateClusterVersion": updates.update_cluster_version,
    "UpdateNodegroupConfig": updates.update_nodegroup_config,
    "UpdateNodegroupVersion": updates.update_nodegroup_version,
}
