"""RDS: the groups that clusters refer to."""

from __future__ import annotations

from ils_sandbox.provider.fields import collection, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindNamed, ResourceType, Update
from ils_sandbox.provider.services.parameters import ParameterCalls
from ils_sandbox.provider.tagging import pair_tags

RDS_TAGS = pair_tags("add_tags_to_resource", "remove_tags_from_resource", {"ResourceName": "$arn"}, source="TagList")
TAG_LIST = Detail("TagList", Call("list_tags_for_resource", {"ResourceName": "$arn"}, "TagList"))

SUBNET_GROUP = ResourceType(
    name="aws:rds/subnetGroup:SubnetGroup",
    service="rds",
    inputs=(
        text("name", member="DBSubnetGroupName", replace=True, canonical=str.lower),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("description", member="DBSubnetGroupDescription", default="Managed by Pulumi"),
        collection("subnetIds", required=True, source="Subnets[].SubnetIdentifier"),
    ),
    outputs=(
        text("arn", source="DBSubnetGroupArn"),
        text("vpcId"),
        collection("supportedNetworkTypes"),
    ),
    naming=AutoName(prefix_property="namePrefix", longest=255, lower=True),
    tagging=RDS_TAGS,
    create=Call("create_db_subnet_group", result="DBSubnetGroup"),
    id="DBSubnetGroupName",
    read=Call("describe_db_subnet_groups", {"DBSubnetGroupName": "$id"}, "DBSubnetGroups[0]"),
    missing=frozenset({"DBSubnetGroupNotFoundFault"}),
    details=(TAG_LIST,),
    updates=(
        Update(
            frozenset({"description", "subnetIds"}),
            Call("modify_db_subnet_group", {"DBSubnetGroupName": "$id"}),
            all_fields=True,
        ),
    ),
    delete=Call("delete_db_subnet_group", {"DBSubnetGroupName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs["name"].lower()),
)

_PARAMETERS = ParameterCalls(
    modify="modify_db_cluster_parameter_group",
    reset="reset_db_cluster_parameter_group",
    group_member="DBClusterParameterGroupName",
    list_member="Parameters",
    as_request=lambda parameter: {
        "ParameterName": parameter["name"],
        "ParameterValue": str(parameter["value"]),
        "ApplyMethod": parameter.get("applyMethod", "immediate"),
    },
    as_reset=lambda parameter: {
        "ParameterName": parameter["name"],
        "ApplyMethod": parameter.get("applyMethod", "immediate"),
    },
)

CLUSTER_PARAMETER_GROUP = ResourceType(
    name="aws:rds/clusterParameterGroup:ClusterParameterGroup",
    service="rds",
    inputs=(
        text("name", member="DBClusterParameterGroupName", replace=True, canonical=str.lower),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        text("family", member="DBParameterGroupFamily", required=True, replace=True),
        text("description", default="Managed by Pulumi", replace=True),
        collection(
            "parameters",
            text("name", member="ParameterName", required=True),
            text("value", member="ParameterValue", required=True),
            text("applyMethod", default="immediate", choices=("immediate", "pending-reboot")),
            sent=False,
        ),
    ),
    outputs=(text("arn", source="DBClusterParameterGroupArn"),),
    naming=AutoName(prefix_property="namePrefix", longest=255, lower=True),
    tagging=RDS_TAGS,
    create=Call("create_db_cluster_parameter_group", result="DBClusterParameterGroup"),
    id="DBClusterParameterGroupName",
    after_create=_PARAMETERS.set_all,
    read=Call(
        "describe_db_cluster_parameter_groups",
        {"DBClusterParameterGroupName": "$id"},
        "DBClusterParameterGroups[0]",
    ),
    missing=frozenset({"DBParameterGroupNotFound", "DBParameterGroupNotFoundFault"}),
    details=(
        TAG_LIST,
        Detail(
            "Parameters",
            Call(
                "describe_db_cluster_parameters", {"DBClusterParameterGroupName": "$id", "Source": "user"}, "Parameters"
            ),
        ),
    ),
    updates=(Custom(frozenset({"parameters"}), _PARAMETERS.change),),
    delete=Call("delete_db_cluster_parameter_group", {"DBClusterParameterGroupName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs["name"].lower()),
)

TYPES = (SUBNET_GROUP, CLUSTER_PARAMETER_GROUP)
