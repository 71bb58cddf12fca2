"""Route 53: records."""

from __future__ import annotations

from collections.abc import Iterator

from ils_sandbox.provider.fields import Field, collection, flag, flag_of, listing, number, text
from ils_sandbox.provider.resource import Custom, FindNamed, ResourceType, Scope
from ils_sandbox.provider.values import UNKNOWN, Plain

_NOT_FOUND = frozenset({"NoSuchHostedZone"})
_WILDCARD = "\\052"
_QUOTED = frozenset({"SPF", "TXT"})


def plain_name(name: str) -> str:
    """A DNS name as people write it."""
    return name.lower().removesuffix(".").replace(_WILDCARD, "*")


def _alias_name(name: str) -> str:
    """Route 53's console puts this label before load balancers; it says nothing."""
    return plain_name(name).removeprefix("dualstack.")


def _fqdn(scope: Scope, properties: Plain) -> str:
    """The record's whole name: a program may leave out the zone's."""
    if properties.get("fqdn"):
        return plain_name(properties["fqdn"])
    zone = plain_name(scope.call("get_hosted_zone", Id=properties["zoneId"])["HostedZone"]["Name"])
    name = plain_name(properties["name"])
    return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}".removeprefix(".")


def _record_set(scope: Scope, properties: Plain) -> Plain:
    kind = properties["type"]
    record: Plain = {"Name": _fqdn(scope, properties), "Type": kind}
    for alias in properties.get("aliases", ())[:1]:
        record["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": flag_of(alias["evaluateTargetHealth"]),
        }
    if "AliasTarget" not in record:
        values = properties.get("records", ())
        record["TTL"] = int(properties["ttl"])
        record["ResourceRecords"] = [{"Value": f'"{value}"' if kind in _QUOTED else value} for value in values]
    if properties.get("setIdentifier"):
        record["SetIdentifier"] = properties["setIdentifier"]
    for policy in properties.get("weightedRoutingPolicies", ()):
        record["Weight"] = int(policy["weight"])
    for policy in properties.get("failoverRoutingPolicies", ()):
        record["Failover"] = policy["type"]
    if properties.get("healthCheckId"):
        record["HealthCheckId"] = properties["healthCheckId"]
    return record


def _change(scope: Scope, action: str, zone: str, record: Plain) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    scope.call("change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)


def _create(scope: Scope, inputs: Plain, _request: Plain) -> Plain:
    record = _record_set(scope, inputs)
    _change(scope, "UPSERT" if inputs.get("allowOverwrite") else "CREATE", inputs["zoneId"], record)
    return record


def _id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    parts = [inputs["zoneId"], plain_name(inputs["name"]), inputs["type"], inputs.get("setIdentifier")]
    return "_".join(part for part in parts if part)


def _read(scope: Scope, _id: str, known: Plain) -> Plain | None:
    name, kind = _fqdn(scope, known), known["type"]
    page = scope.call(
        "list_resource_record_sets", HostedZoneId=known["zoneId"], StartRecordName=name, StartRecordType=kind
    )
    for record in page["ResourceRecordSets"]:
        same = (plain_name(record["Name"]), record["Type"]) == (name, kind)
        if same and record.get("SetIdentifier") == (known.get("setIdentifier") or None):
            return {**record, "ZoneId": known["zoneId"]}
    return None


def _values(record: Plain) -> list[str] | None:
    values = [each["Value"] for each in record.get("ResourceRecords") or ()]
    return [value.strip('"') if record["Type"] in _QUOTED else value for value in values] or None


def _only(name: str, field: Field, member: str) -> Field:
    """A list of at most one block of one property, which AWS keeps flat."""
    return listing(name, field, source=f"{member} && [{{{member}: {member}}}]")


def _upsert(scope: Scope, _id: str, _old: Plain, new: Plain) -> None:
    _change(scope, "UPSERT", new["zoneId"], _record_set(scope, new))


def _delete(scope: Scope, id_: str, state: Plain) -> None:
    """Route 53 wants the whole record as it is now."""
    record = _read(scope, id_, state)
    if record is not None:
        _change(scope, "DELETE", state["zoneId"], {key: value for key, value in record.items() if key != "ZoneId"})


def _problems(inputs: Plain) -> Iterator[tuple[str, str]]:
    aliased = bool(inputs.get("aliases"))
    if aliased == (inputs.get("records") is not None):
        yield "records", "expected either records or aliases"
    if not aliased and inputs.get("ttl") is None:
        yield "ttl", "expected the seconds that the records may be kept"
    if aliased and inputs["aliases"] is not UNKNOWN and len(inputs["aliases"]) > 1:
        yield "aliases", "expected one alias"


_CHANGED = frozenset(
    {"ttl", "records", "aliases", "weightedRoutingPolicies", "failoverRoutingPolicies", "healthCheckId"}
)

RECORD = ResourceType(
    name="aws:route53/record:Record",
    service="route53",
    regional=False,
    inputs=(
        text("zoneId", required=True, replace=True),
        text(
            "name",
            required=True,
            replace=True,
            canonical=plain_name,
            accepts=lambda there, wanted: plain_name(there).startswith(f"{plain_name(wanted)}."),
            decode=lambda name: name and plain_name(name),
        ),
        text("type", required=True, replace=True),
        text("setIdentifier", replace=True),
        number("ttl", source="TTL"),
        # Route 53 keeps no order of values.
        collection("records", source="@", decode=_values),
        listing(
            "aliases",
            text("name", source="DNSName", required=True, canonical=_alias_name),
            text("zoneId", source="HostedZoneId", required=True),
            flag("evaluateTargetHealth", required=True),
            source="AliasTarget && [AliasTarget]",
        ),
        _only("weightedRoutingPolicies", number("weight", required=True), "Weight"),
        _only("failoverRoutingPolicies", text("type", member="Failover", required=True), "Failover"),
        text("healthCheckId"),
        flag("allowOverwrite", default=False, returned=False),
    ),
    outputs=(text("fqdn", source="Name", decode=lambda name: name and plain_name(name)),),
    create=_create,
    id=_id,
    read=_read,
    missing=_NOT_FOUND,
    updates=(Custom(_CHANGED, _upsert),),
    delete=_delete,
    find=FindNamed(lambda scope, inputs: _id(scope, inputs, {})),
    validate=_problems,
)

TYPES = (RECORD,)
