"""Security groups of the environment's VPC, whoever made them, and their rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_network

from ils_pipelines.operations.live import Live, Record
from ils_pipelines.operations.posture.evaluators.network import in_vpcs
from ils_pipelines.operations.posture.models import Observation

_MOST_VALUES = 200
"""EC2 takes so many in one filter."""
_ALL = "-1"
_WEB_PORTS = {80, 443}
_LOAD_BALANCER = "load-balancer"
"""Last part of the name of the one group that may be reached from the internet."""

Bad = Callable[[Record], bool]


def no_public_ssh(live: Live) -> Iterator[Observation]:
    yield from _without(live, "no ingress from the internet to port 22", lambda rule: _public_on(rule, 22))


def no_public_rdp(live: Live) -> Iterator[Observation]:
    yield from _without(live, "no ingress from the internet to port 3389", lambda rule: _public_on(rule, 3389))


def no_public_data_ports(live: Live) -> Iterator[Observation]:
    ports = sorted({5432, 6379, live.environment.database.port, live.environment.cache.port})
    expected = f"no ingress from the internet to the ports of databases ({', '.join(map(str, ports))})"
    yield from _without(live, expected, lambda rule: any(_public_on(rule, port) for port in ports))


def no_all_port_ingress(live: Live) -> Iterator[Observation]:
    yield from _without(
        live, "no ingress on all ports", lambda rule: not rule["IsEgress"] and _every_port(rule), eks_too=False
    )


def no_all_port_egress(live: Live) -> Iterator[Observation]:
    yield from _without(
        live, "no egress on all ports", lambda rule: bool(rule["IsEgress"]) and _every_port(rule), eks_too=False
    )


def descriptions(live: Live) -> Iterator[Observation]:
    yield from _without(
        live, "a description on every rule", lambda rule: not rule.get("Description", "").strip(), eks_too=False
    )


def public_ingress_only_web(live: Live) -> Iterator[Observation]:
    load_balancer = f"{live.scope.name}-{_LOAD_BALANCER}"
    for group, rules in _groups(live):
        web = _WEB_PORTS if group["GroupName"] == load_balancer else set()
        bad = [rule for rule in rules if _public(rule) and not _only_on(rule, web)]
        expected = "from the internet only ports 80 and 443" if web else "no ingress from the internet"
        yield _observation(group, expected, bad)


def default_group_empty(live: Live) -> Iterator[Observation]:
    for group, rules in _groups(live):
        if group["GroupName"] == "default":
            yield _observation(group, "no rule at all", rules)


def _without(live: Live, expected: str, bad: Bad, *, eks_too: bool = True) -> Iterator[Observation]:
    # EKS makes one group by itself, open between its members and outwards, and puts back what is taken from it.
    cluster = None if eks_too else live.cluster()
    skipped = (cluster or {}).get("resourcesVpcConfig", {}).get("clusterSecurityGroupId")
    for group, rules in _groups(live):
        if group["GroupId"] != skipped:
            yield _observation(group, expected, [rule for rule in rules if bad(rule)])


def _groups(live: Live) -> Iterator[tuple[Record, list[Record]]]:
    groups = in_vpcs(live, "describe_security_groups", "SecurityGroups")
    rules: list[Record] = []
    for first in range(0, len(groups), _MOST_VALUES):
        ids = [group["GroupId"] for group in groups[first : first + _MOST_VALUES]]
        of_them = [{"Name": "group-id", "Values": ids}]
        rules += live.list("ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=of_them)
    for group in groups:
        yield group, [rule for rule in rules if rule["GroupId"] == group["GroupId"]]


def _observation(group: Record, expected: str, bad: list[Record]) -> Observation:
    return Observation(
        f"security group {group['GroupName']} ({group['GroupId']})",
        expected,
        "; ".join(map(_shown, bad)) or "as expected",
        holds=not bad,
    )


def _shown(rule: Record) -> str:
    peer = _network(rule) or rule.get("PrefixListId") or rule.get("ReferencedGroupInfo", {}).get("GroupId", "")
    way = "to" if rule["IsEgress"] else "from"
    every = _every_port(rule)
    ports = "all ports" if every else f"{rule['IpProtocol']} {rule.get('FromPort')}-{rule.get('ToPort')}"
    return f"{rule['SecurityGroupRuleId']}: {ports} {way} {peer}"


def _network(rule: Record) -> str:
    return str(rule.get("CidrIpv4") or rule.get("CidrIpv6") or "")


def _public(rule: Record) -> bool:
    """Whether it lets in somebody from the internet."""
    network = _network(rule)
    return not rule["IsEgress"] and bool(network) and not ip_network(network, strict=False).is_private


def _public_on(rule: Record, port: int) -> bool:
    return _public(rule) and _covers(rule, port)


def _covers(rule: Record, port: int) -> bool:
    if rule["IpProtocol"] == _ALL:
        return True
    first, last = _ports(rule)
    return rule["IpProtocol"] in {"tcp", "udp"} and (first == -1 or first <= port <= last)


def _only_on(rule: Record, ports: set[int]) -> bool:
    first, last = _ports(rule)
    return rule["IpProtocol"] == "tcp" and first == last and first in ports


def _every_port(rule: Record) -> bool:
    first, last = _ports(rule)
    return rule["IpProtocol"] == _ALL or (rule["IpProtocol"] in {"tcp", "udp"} and first <= 0 and last in {-1, 65535})


def _ports(rule: Record) -> tuple[int, int]:
    return int(rule.get("FromPort", -1)), int(rule.get("ToPort", -1))
