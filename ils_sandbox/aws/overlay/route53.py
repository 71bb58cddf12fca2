"""Route 53: changes of records are checked against what is there; moto checks them against what was once asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, Routes, World
from ils_sandbox.aws.responses import AwsError

Key = tuple[str, str, str]


def _zone(call: Call, zone_id: str) -> Any:
    """Route 53 knows no regions. Raises moto's own error when there is no such zone."""
    from moto.backends import get_backend

    return get_backend("route53")[call.account]["aws"].get_hosted_zone(zone_id)


def _key(record: Result) -> Key:
    name = record["Name"].lower().removesuffix(".").replace("\\052", "*")
    return name, record["Type"], record.get("SetIdentifier") or ""


def _content(record: Result) -> Any:
    """All that must be the same for a deletion."""
    values = sorted(each["Value"] for each in record.get("ResourceRecords") or ())
    alias = record.get("AliasTarget") or {}
    target = alias.get("DNSName", "").lower().removesuffix(".")
    return values, record.get("TTL"), alias.get("HostedZoneId"), target, record.get("Weight"), record.get("Failover")


def _there(call: Call, world: World, zone_id: str) -> dict[Key, Result]:
    found: dict[Key, Result] = {}
    start: dict[str, str] = {}
    while True:
        page = world.invoke(call, "route53", "ListResourceRecordSets", HostedZoneId=zone_id, **start)
        found |= {_key(record): record for record in page["ResourceRecordSets"]}
        if not page.get("IsTruncated"):
            return found
        start = {"StartRecordName": page["NextRecordName"], "StartRecordType": page["NextRecordType"]}


def _check(change: Result, there: dict[Key, Result]) -> None:
    record = change["ResourceRecordSet"]
    key = _key(record)
    named = f"resource record set [name='{key[0]}.', type='{key[1]}']"
    if change["Action"] == "CREATE" and key in there:
        raise AwsError("InvalidChangeBatch", f"[Tried to create {named} but it already exists]")
    if change["Action"] == "DELETE":
        if key not in there:
            raise AwsError("InvalidChangeBatch", f"[Tried to delete {named} but it was not found]")
        if _content(record) != _content(there[key]):
            reason = "the values provided do not match the current values"
            raise AwsError("InvalidChangeBatch", f"[Tried to delete {named} but {reason}]")


def change_resource_record_sets(call: Call, world: World) -> Result:
    """All changes of a batch, or none."""
    zone_id = call.params["HostedZoneId"]
    changes = call.params["ChangeBatch"]["Changes"]
    there = _there(call, world, zone_id)
    remaining = dict(there)
    for change in changes:
        _check(change, remaining)
        if change["Action"] == "DELETE":
            remaining.pop(_key(change["ResourceRecordSet"]))
        else:
            remaining[_key(change["ResourceRecordSet"])] = change["ResourceRecordSet"]
    zone = _zone(call, zone_id)
    deleted = {_key(change["ResourceRecordSet"]) for change in changes if change["Action"] == "DELETE"}
    zone.rrsets = [record for record in zone.rrsets if _key_of(record) not in deleted]
    for change in changes:
        if change["Action"] != "DELETE":
            upsert = {"Changes": [{**change, "Action": "UPSERT"}]}
            world.forward(call, {"HostedZoneId": zone_id, "ChangeBatch": upsert})
    submitted = datetime.now(UTC)
    return {"ChangeInfo": {"Id": "/change/C2682N5HXP0BZ4", "Status": "INSYNC", "SubmittedAt": submitted}}


def _key_of(record: Any) -> Key:
    """The key of one of moto's records."""
    return _key({"Name": record.name, "Type": record.type, "SetIdentifier": record.set_identifier})


ROUTES: Routes = {"ChangeResourceRecordSets": change_resource_record_sets}
