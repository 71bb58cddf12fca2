"""ElastiCache: the groups that replication groups refer to."""

from __future__ import annotations

from ils_sandbox.provider.fields import collection, text
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindNamed, ResourceType, Update
from ils_sandbox.provider.services.parameters import ParameterCalls
from ils_sandbox.provider.tagging import pair_tags

CACHE_TAGS = pair_tags("add_tags_to_resource", "remove_tags_from_resource", {"ResourceName": "$arn"}, source="TagList")
TAG_LIST = Detail("TagList", Call("list_tags_for_resource", {"ResourceName": "$arn"}, "TagList"))

SUBNET_GROUP = ResourceType(
    name="aws:elasticache/subnetGroup:SubnetGroup",
    service="elasticache",
    inputs=(
        text("name", member="CacheSubnetGroupName", replace=True, canonical=str.lower),
        text("description", member="CacheSubnetGroupDescription", default="Managed by Pulumi"),
        collection("subnetIds", required=True, source="Subnets[].SubnetIdentifier"),
    ),
    outputs=(text("arn", source="ARN"), text("vpcId")),
    naming=AutoName(longest=255, lower=True),
    tagging=CACHE_TAGS,
    create=Call("create_cache_subnet_group", result="CacheSubnetGroup"),
    id="CacheSubnetGroupName",
    read=Call("describe_cache_subnet_groups", {"CacheSubnetGroupName": "$id"}, "CacheSubnetGroups[0]"),
    missing=frozenset({"CacheSubnetGroupNotFoundFault", "CacheSubnetGroupNotFound"}),
    details=(TAG_LIST,),
    updates=(
        Update(
            frozenset({"description", "subnetIds"}),
            Call("modify_cache_subnet_group", {"CacheSubnetGroupName": "$id"}),
            all_fields=True,
        ),
    ),
    delete=Call("delete_cache_subnet_group", {"CacheSubnetGroupName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs["name"].lower()),
)

_PARAMETERS = ParameterCalls(
    modify="modify_cache_parameter_group",
    reset="reset_cache_parameter_group",
    group_member="CacheParameterGroupName",
    list_member="ParameterNameValues",
    as_request=lambda parameter: {"ParameterName": parameter["name"], "ParameterValue": str(parameter["value"])},
    as_reset=lambda parameter: {"ParameterName": parameter["name"], "ParameterValue": str(parameter["value"])},
)

PARAMETER_GROUP = ResourceType(
    name="aws:elasticache/parameterGroup:ParameterGroup",
    service="elasticache",
    inputs=(
        text("name", member="CacheParameterGroupName", replace=True, canonical=str.lower),
        text("family", member="CacheParameterGroupFamily", required=True, replace=True),
        text("description", default="Managed by Pulumi", replace=True),
        collection(
            "parameters",
            text("name", member="ParameterName", required=True),
            text("value", member="ParameterValue", required=True),
            sent=False,
        ),
    ),
    outputs=(text("arn", source="ARN"),),
    naming=AutoName(longest=255, lower=True),
    tagging=CACHE_TAGS,
    create=Call("create_cache_parameter_group", result="CacheParameterGroup"),
    id="CacheParameterGroupName",
    after_create=_PARAMETERS.set_all,
    read=Call("describe_cache_parameter_groups", {"CacheParameterGroupName": "$id"}, "CacheParameterGroups[0]"),
    missing=frozenset({"CacheParameterGroupNotFound", "CacheParameterGroupNotFoundFault"}),
    details=(
        TAG_LIST,
        Detail(
            "Parameters",
            Call("describe_cache_parameters", {"CacheParameterGroupName": "$id", "Source": "user"}, "Parameters"),
        ),
    ),
    updates=(Custom(frozenset({"parameters"}), _PARAMETERS.change),),
    delete=Call("delete_cache_parameter_group", {"CacheParameterGroupName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs["name"].lower()),
)

TYPES = (SUBNET_GROUP, PARAMETER_GROUP)
