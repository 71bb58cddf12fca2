"""What restored data stand on in a region: network, firewall, parameters and keys, each named and none left to AWS.

Left out, AWS takes the default network, the default security group and the default parameters: open to the wrong people,
closed to the right ones, and without `rds.force_ssl`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.restore.errors import RestoreFailed, restoring
from ils_pipelines.operations.restore.place import SOURCE, Place
from ils_pipelines.operations.scope import tags_of
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.naming import Naming

if TYPE_CHECKING:
    from ils_pipelines.operations.restore.cluster_ground import ClusterGround
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target

OTHER_NETWORK = "10.255.0.0/16"
"""Of the network that is made where there is none. It is joined to no other."""
_OTHER_SUBNETS = ("10.255.1.0/24", "10.255.2.0/24")
_PARAMETERS = {"rds.force_ssl": "1"}
"""Of a parameter group made where there is none; likewise of a cache's, as the layer of the cache has it."""
_CACHE_PARAMETERS = {"maxmemory-policy": "volatile-ttl"}


@dataclass(frozen=True)
class Keys:
    """ARNs of the keys that restored data are encrypted with; None for the service's own."""

    database: str
    cache: str | None
    tables: str | None
    secrets: str | None


@dataclass(frozen=True)
class Ground:
    region: str
    vpc_id: str
    security_group_id: str
    database_subnets: str
    """Name of the subnet group."""
    database_parameters: str
    cache_subnets: str
    cache_parameters: str
    keys: Keys


def lay_ground(target: Target, place: Place) -> Ground:
    """Find or make it. In the environment's own region its private subnets and parameters serve; what lets anybody in is
    always new. Raises `RestoreFailed`.
    """
    environment = target.environment
    if place.region == environment.aws.region:
        return _at_home(target, place)
    return _abroad(target, place)


def _at_home(target: Target, place: Place) -> Ground:
    environment = target.environment
    vpc_id = str(output(target, Layer.VPC, "vpc_id"))
    keys = {
        name: str(output(target, Layer.ENCRYPTION, f"{name}_key_arn"))
        for name in ("database", "cache", "tables", "secrets")
    }
    database, cache = Naming.of(environment, Layer.DATABASE), Naming.of(environment, Layer.CACHE)
    return Ground(
        region=place.region,
        vpc_id=vpc_id,
        security_group_id=make_security_group(target, place, vpc_id),
        database_subnets=database.name(),
        database_parameters=database.name(environment.database.parameter_group_family),
        cache_subnets=cache.name(),
        cache_parameters=cache.name(environment.cache.parameter_group_family),
        keys=Keys(**keys),
    )


def _abroad(target: Target, place: Place) -> Ground:
    """A network of its own, joined to nothing: the environment has none in this region."""
    vpc_id, subnets = make_network(target, place)
    key = str(output(target, Layer.BACKUP_VAULT, "dr_backup_key_arn"))
    return Ground(
        region=place.region,
        vpc_id=vpc_id,
        security_group_id=make_security_group(target, place, vpc_id),
        database_subnets=_make_subnet_group(target, place, subnets),
        database_parameters=_make_parameter_group(target, place),
        cache_subnets=_make_cache_subnet_group(target, place, subnets),
        cache_parameters=_make_cache_parameter_group(target, place),
        keys=Keys(database=key, cache=key, tables=key, secrets=None),
    )


def output(target: Target, layer: Layer, name: str) -> Any:
    """An output of a layer. Raises `RestoreFailed` where the environment has none."""
    outputs = layer_work(target, layer).outputs() or {}
    if name not in outputs:
        raise RestoreFailed(
            f"expected environment {target.environment.name} to have a layer {layer} with the output {name}, found none. "
            f"Provision it first: ils up {target.environment.name}"
        )
    return outputs[name].value


def make_security_group(target: Target, place: Place, vpc_id: str, ports: Sequence[int] = ()) -> str:
    """The id of a group that lets in who verifies, by default to databases and caches, and out nobody."""
    ec2 = target.client("ec2", region=place.region)
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": [place.name]}]
    with restoring(f"security group {place.name}", vpc_id):
        found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        if found:
            require_own(place, f"security group {place.name}", tags_of(found[0].get("Tags")))
            group = str(found[0]["GroupId"])
        else:
            group = str(
                ec2.create_security_group(
                    GroupName=place.name,
                    Description=f"Restored data of {target.environment.name}, shut off from what is live",
                    VpcId=vpc_id,
                    TagSpecifications=tagged("security-group", place, place.name),
                )["GroupId"]
            )
        usual = (target.environment.database.port, target.environment.cache.port)
        _allow_only_verifiers(ec2, group, place, target.environment, ports or usual)
    return group


def _allow_only_verifiers(ec2: Any, group: str, place: Place, environment: Environment, ports: Sequence[int]) -> None:
    """EC2 lets a new group out to everywhere; whatever a run that was interrupted left of the rules is made right."""
    rules = _rules(ec2, group)
    outward = [rule["SecurityGroupRuleId"] for rule in rules if rule["IsEgress"]]
    if outward:
        ec2.revoke_security_group_egress(GroupId=group, SecurityGroupRuleIds=outward)
    there = {(rule.get("CidrIpv4"), rule["FromPort"]) for rule in rules if not rule["IsEgress"]}
    for network in environment.drills.verify_from:
        for port in ports:
            if (str(network), port) in there:
                continue
            permission = {
                "IpProtocol": "tcp",
                "FromPort": port,
                "ToPort": port,
                "IpRanges": [{"CidrIp": str(network), "Description": "Whoever verifies what was restored"}],
            }
            ec2.authorize_security_group_ingress(
                GroupId=group,
                IpPermissions=[permission],
                TagSpecifications=tagged("security-group-rule", place, place.name),
            )


def isolation_flaws(target: Target, ground: Ground | ClusterGround) -> Iterator[str]:
    """Every way from what is live to what was restored; none is right."""
    environment = target.environment
    ec2 = target.client("ec2", region=ground.region)
    for rule in _rules(ec2, ground.security_group_id):
        peer = (rule.get("ReferencedGroupInfo") or {}).get("GroupId") or rule.get("CidrIpv4") or "?"
        if rule["IsEgress"]:
            yield f"{ground.security_group_id} lets out to {peer}"
        elif not _is_verifier(peer, environment):
            yield f"{ground.security_group_id} lets in {peer}"


def _is_verifier(peer: str, environment: Environment) -> bool:
    if "/" not in peer:
        return False
    network = IPv4Network(peer)
    return network in environment.drills.verify_from and not network.overlaps(environment.network.cidr)


def _rules(ec2: Any, group: str) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=[{"Name": "group-id", "Values": [group]}]
    )
    return [rule for page in pages for rule in page["SecurityGroupRules"]]


def make_network(target: Target, place: Place) -> tuple[str, list[str]]:
    """Ids of the network and of a subnet in each of two zones."""
    ec2 = target.client("ec2", region=place.region)
    filters = [{"Name": "tag:Name", "Values": [place.name]}]
    with restoring(f"network {place.name}", place.region):
        found = ec2.describe_vpcs(Filters=filters)["Vpcs"]
        vpc_id = (
            found[0]["VpcId"]
            if found
            else ec2.create_vpc(CidrBlock=OTHER_NETWORK, TagSpecifications=tagged("vpc", place, place.name))["Vpc"][
                "VpcId"
            ]
        )
        there = {
            each["CidrBlock"]: each["SubnetId"]
            for each in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
        }
        zones = sorted(zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"])
        for cidr, zone in zip(_OTHER_SUBNETS, zones, strict=False):
            if cidr not in there:
                made = ec2.create_subnet(
                    VpcId=vpc_id,
                    CidrBlock=cidr,
                    AvailabilityZone=zone,
                    TagSpecifications=tagged("subnet", place, place.name),
                )
                there[cidr] = made["Subnet"]["SubnetId"]
    return str(vpc_id), [str(there[cidr]) for cidr in _OTHER_SUBNETS]


def _make_subnet_group(target: Target, place: Place, subnets: list[str]) -> str:
    rds = target.client("rds", region=place.region)
    known = contextlib.suppress(rds.exceptions.DBSubnetGroupAlreadyExistsFault)
    with restoring(f"subnet group {place.name}", place.region), known:
        rds.create_db_subnet_group(
            DBSubnetGroupName=place.name,
            DBSubnetGroupDescription=f"Restored database of {target.environment.name}",
            SubnetIds=subnets,
            Tags=place.tag_list(place.name),
        )
    return place.name


def _make_parameter_group(target: Target, place: Place) -> str:
    rds = target.client("rds", region=place.region)
    with restoring(f"parameter group {place.name}", place.region):
        with contextlib.suppress(rds.exceptions.DBParameterGroupAlreadyExistsFault):
            rds.create_db_cluster_parameter_group(
                DBClusterParameterGroupName=place.name,
                DBParameterGroupFamily=target.environment.database.parameter_group_family,
                Description=f"PostgreSQL settings of {place.name}",
                Tags=place.tag_list(place.name),
            )
        rds.modify_db_cluster_parameter_group(
            DBClusterParameterGroupName=place.name,
            Parameters=[
                {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
                for name, value in _PARAMETERS.items()
            ],
        )
    return place.name


def _make_cache_subnet_group(target: Target, place: Place, subnets: list[str]) -> str:
    client = target.client("elasticache", region=place.region)
    known = contextlib.suppress(client.exceptions.CacheSubnetGroupAlreadyExistsFault)
    with restoring(f"cache subnet group {place.name}", place.region), known:
        client.create_cache_subnet_group(
            CacheSubnetGroupName=place.name,
            CacheSubnetGroupDescription=f"Restored cache of {target.environment.name}",
            SubnetIds=subnets,
            Tags=place.tag_list(place.name),
        )
    return place.name


def _make_cache_parameter_group(target: Target, place: Place) -> str:
    client = target.client("elasticache", region=place.region)
    with restoring(f"cache parameter group {place.name}", place.region):
        with contextlib.suppress(client.exceptions.CacheParameterGroupAlreadyExistsFault):
            client.create_cache_parameter_group(
                CacheParameterGroupName=place.name,
                CacheParameterGroupFamily=target.environment.cache.parameter_group_family,
                Description=f"Settings of {place.name}",
                Tags=place.tag_list(place.name),
            )
        client.modify_cache_parameter_group(
            CacheParameterGroupName=place.name,
            ParameterNameValues=[
                {"ParameterName": name, "ParameterValue": value} for name, value in _CACHE_PARAMETERS.items()
            ],
        )
    return place.name


def require_own(place: Place, what: str, tags: Mapping[str, str], source: object = None) -> None:
    """Raise `RestoreFailed` unless something that has the name already was made for this place before, and of `source` where
    it holds data.
    """
    if not place.owns(tags):
        raise RestoreFailed(
            f"expected {what} not to be there, or to be of an earlier run of this restore, found one that is not. "
            "Nothing was done to it. Choose another name."
        )
    if source is not None:
        require_made_of(what, str(source), tags.get(SOURCE))


def require_made_of(what: str, wanted: str, found: str | None) -> None:
    """Raise `RestoreFailed` unless something that has the name already holds what is asked for."""
    if found != wanted:
        raise RestoreFailed(
            f"expected {what} not to be there, or to be made from {wanted}, found it made from "
            f"{found or 'something that nothing tells'}. Nothing was done to it. Choose another name (--into)."
        )


def tagged(kind: str, place: Place, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": place.tag_list(name)}]
