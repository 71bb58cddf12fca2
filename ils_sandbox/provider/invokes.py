"""Pulumi's functions: questions without a resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ils_sandbox.provider.errors import ProviderError
from ils_sandbox.provider.marks import shown
from ils_sandbox.provider.resource import Place
from ils_sandbox.provider.values import Plain


@dataclass(frozen=True)
class Function:
    """One function: the service it asks and what it answers."""

    name: str
    service: str
    results: tuple[str, ...]
    run: Callable[[Place, Plain], Plain]


def _availability_zones(place: Place, arguments: Plain) -> Plain:
    filters = [{"Name": f["name"], "Values": list(f["values"])} for f in arguments.get("filters", [])]
    if state := arguments.get("state"):
        filters.append({"Name": "state", "Values": [state]})
    answer = place.call(
        "describe_availability_zones",
        Filters=filters,
        AllAvailabilityZones=bool(arguments.get("allAvailabilityZones", False)),
    )
    without_names = frozenset(arguments.get("excludeNames", ()))
    without_ids = frozenset(arguments.get("excludeZoneIds", ()))
    zones = sorted(
        (
            zone
            for zone in answer["AvailabilityZones"]
            if zone["ZoneName"] not in without_names and zone.get("ZoneId") not in without_ids
        ),
        key=lambda zone: zone["ZoneName"],
    )
    groups = {zone.get("GroupName") or place.region for zone in zones}
    return {
        **arguments,
        "id": place.region,
        "region": place.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone.get("ZoneId", "") for zone in zones],
        "groupNames": sorted(groups),
    }


def _caller_identity(place: Place, _arguments: Plain) -> Plain:
    answer = place.call("get_caller_identity")
    account = answer["Account"]
    return {"accountId": account, "id": account, "arn": answer["Arn"], "userId": answer["UserId"]}


def _region(place: Place, arguments: Plain) -> Plain:
    region = arguments.get("name") or arguments.get("id") or place.region
    return {
        "id": region,
        "name": region,
        "region": region,
        "endpoint": f"ec2.{region}.{_dns_suffix(place.partition)}",
        "description": region,
    }


def _partition(place: Place, _arguments: Plain) -> Plain:
    suffix = _dns_suffix(place.partition)
    return {
        "id": place.partition,
        "partition": place.partition,
        "dnsSuffix": suffix,
        "reverseDnsPrefix": ".".join(reversed(suffix.split("."))),
    }


def _dns_suffix(partition: str) -> str:
    return {"aws-cn": "amazonaws.com.cn"}.get(partition, "amazonaws.com")


_ZONE_RESULTS = (
    *("id", "zoneId", "arn", "name", "nameServers", "primaryNameServer", "privateZone", "callerReference"),
    *("comment", "resourceRecordSetCount", "tags", "linkedServiceDescription", "linkedServicePrincipal", "vpcId"),
)


def _zone(place: Place, arguments: Plain) -> Plain:
    """One hosted zone, by its id or by its name. Raises `ProviderError` unless there is exactly one."""
    if arguments.get("zoneId"):
        answer = place.call("get_hosted_zone", Id=arguments["zoneId"])
    else:
        answer = place.call("get_hosted_zone", Id=_zone_of_name(place, arguments))
    zone, id_ = answer["HostedZone"], answer["HostedZone"]["Id"].rpartition("/")[2]
    servers = sorted(answer.get("DelegationSet", {}).get("NameServers", ()))
    tags = place.call("list_tags_for_resource", ResourceType="hostedzone", ResourceId=id_)["ResourceTagSet"]["Tags"]
    return {
        "id": id_,
        "zoneId": id_,
        "arn": f"arn:{place.partition}:route53:::hostedzone/{id_}",
        "name": zone["Name"].removesuffix("."),
        "nameServers": servers,
        "primaryNameServer": servers[0] if servers else "",
        "privateZone": bool(zone.get("Config", {}).get("PrivateZone")),
        "callerReference": zone["CallerReference"],
        "comment": zone.get("Config", {}).get("Comment", ""),
        "resourceRecordSetCount": zone.get("ResourceRecordSetCount", 0),
        "tags": shown({tag["Key"]: tag.get("Value", "") for tag in tags}),
        "linkedServiceDescription": "",
        "linkedServicePrincipal": "",
        "vpcId": arguments.get("vpcId", ""),
    }


def _zone_of_name(place: Place, arguments: Plain) -> str:
    name = str(arguments.get("name") or "").removesuffix(".")
    private = bool(arguments.get("privateZone", False))
    listed = place.call("list_hosted_zones_by_name", DNSName=name)["HostedZones"] if name else []
    found = [
        zone
        for zone in listed
        if zone["Name"] == f"{name}." and bool(zone.get("Config", {}).get("PrivateZone")) == private
    ]
    if len(found) != 1:
        kind = "private" if private else "public"
        raise ProviderError(
            f"expected one {kind} hosted zone named {name!r}, found {len(found)}: name another, give its zoneId, or make it"
        )
    return str(found[0]["Id"])


FUNCTIONS = {
    f.name: f
    for f in (
        Function(
            "aws:index/getAvailabilityZones:getAvailabilityZones",
            "ec2",
            ("id", "region", "names", "zoneIds", "groupNames"),
            _availability_zones,
        ),
        Function(
            "aws:index/getCallerIdentity:getCallerIdentity",
            "sts",
            ("accountId", "id", "arn", "userId"),
            _caller_identity,
        ),
        Function("aws:index/getRegion:getRegion", "ec2", ("id", "name", "region", "endpoint", "description"), _region),
        Function(
            "aws:index/getPartition:getPartition",
            "ec2",
            ("id", "partition", "dnsSuffix", "reverseDnsPrefix"),
            _partition,
        ),
        Function("aws:route53/getZone:getZone", "route53", _ZONE_RESULTS, _zone),
    )
}
