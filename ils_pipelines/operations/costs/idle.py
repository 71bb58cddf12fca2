"""What is paid for and used by nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.operations.live import ApiUnavailable, Live
from ils_pipelines.operations.scope import tag_filter
from ils_pipelines.release.objects import POD, Kind
from ils_pipelines.settings.price_cache import prices_for
from ils_pipelines.settings.quantities import value_of

NODE = Kind("v1", "Node", "nodes", namespaced=False)
LEAST_ASKED = Decimal("0.15")
"""Of the nodes' CPU and of their memory: when pods ask for less of both, there are nodes too many."""
FEWEST_NODES = 2
"""Fewer are not asked for by anybody: one per zone."""
_ASK = "See that the API can be reached and that these credentials may call it."
CONNECTIONS_OVER = timedelta(days=7)


@dataclass(frozen=True)
class Looked:
    """What one look found, or why it could not tell."""

    findings: tuple[Finding, ...] = ()
    note: str = ""


def idle(live: Live) -> Looked:
    """Every kind of idle resource. Raises nothing: what does not answer is a finding, too."""
    findings: list[Finding] = []
    notes: list[str] = []
    for kind, look in _LOOKS.items():
        try:
            for each in look(live):
                if isinstance(each, Finding):
                    findings.append(each)
                else:
                    notes.append(each)
        except ApiUnavailable as unavailable:
            findings.append(Finding(f"idle {kind}", Urgency.UNKNOWN, "an answer", str(unavailable), _ASK))
        except Exception as error:  # noqa: BLE001 an answer we do not understand is no proof, and the other looks go on
            found = f"the answer could not be understood ({type(error).__name__}: {error})"
            findings.append(Finding(f"idle {kind}", Urgency.UNKNOWN, "an answer", found, _ASK))
    return Looked(tuple(findings), "; ".join(notes))


def _addresses(live: Live) -> Iterator[Finding | str]:
    for each in live.list("ec2", "describe_addresses", "Addresses", Filters=tag_filter(live.scope)):
        if not each.get("AssociationId"):
            yield _idle(live, f"address {each['PublicIp']}", "attached to something", "public-ipv4", Decimal(1))


def _volumes(live: Live) -> Iterator[Finding | str]:
    for each in live.list("ec2", "describe_volumes", "Volumes", Filters=tag_filter(live.scope)):
        if each["State"] == "available":
            name = f"volume {each['VolumeId']} ({each['Size']} GiB)"
            yield _idle(live, name, "attached to a machine", "ebs/gp3", Decimal(each["Size"]))


def _load_balancers(live: Live) -> Iterator[Finding | str]:
    for balancer in live.list("elbv2", "describe_load_balancers", "LoadBalancers"):
        name, arn = balancer["LoadBalancerName"], balancer["LoadBalancerArn"]
        if not live.scope.owns_name(name):
            continue
        groups = live.list("elbv2", "describe_target_groups", "TargetGroups", LoadBalancerArn=arn)
        targets = [
            target
            for group in groups
            for target in live.list(
                "elbv2",
                "describe_target_health",
                "TargetHealthDescriptions",
                TargetGroupArn=group["TargetGroupArn"],
            )
        ]
        if not targets:
            yield _idle(live, f"load balancer {name}", "targets", "application-load-balancer", Decimal(1))


def _connections(live: Live) -> Iterator[Finding | str]:
    """Databases that nobody connects to. Where CloudWatch has no numbers, that is said and nothing is concluded."""
    # To the whole hour, so that all who look within it ask the same.
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for instance in live.list("rds", "describe_db_instances", "DBInstances"):
        if instance.get("DBClusterIdentifier") != live.scope.name:
            continue
        name = instance["DBInstanceIdentifier"]
        points = live.get(
            "cloudwatch",
            "get_metric_statistics",
            Namespace="AWS/RDS",
            MetricName="DatabaseConnections",
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": name}],
            StartTime=end - CONNECTIONS_OVER,
            EndTime=end,
            Period=3600,
            Statistics=["Maximum"],
        )["Datapoints"]
        if not points:
            yield f"CloudWatch has no connections of {name}, so nobody can say whether it is used"
        elif max(point["Maximum"] for point in points) == 0:
            product = f"aurora/{instance['DBInstanceClass']}"
            yield _idle(live, f"database instance {name}", "connections within a week", product, Decimal(1))


def _capacity(live: Live) -> Iterator[Finding | str]:
    # One that has just come has not said yet what it has.
    nodes = [node for node in live.objects(NODE) if node.get("status", {}).get("allocatable")]
    if len(nodes) <= FEWEST_NODES:
        return
    requests = [
        container.get("resources", {}).get("requests", {})
        for pod in live.objects(POD)
        if pod.get("status", {}).get("phase") in {"Running", "Pending"}
        for container in pod["spec"]["containers"]
    ]
    shares = {
        name: sum((value_of(each[name]) for each in requests if name in each), Decimal(0))
        / sum((value_of(node["status"]["allocatable"][name]) for node in nodes), Decimal(0))
        for name in ("cpu", "memory")
    }
    if all(share < LEAST_ASKED for share in shares.values()):
        found = ", ".join(f"{share:.0%} of {name}" for name, share in shares.items())
        remedy = f"Fewer nodes would do: `ils scale {live.environment.name} --nodes`, or smaller ones in the file."
        subject = f"{len(nodes)} nodes"
        yield Finding(subject, Urgency.WARNING, f"pods that ask for {LEAST_ASKED:.0%} or more", found, remedy)


def _idle(live: Live, subject: str, expected: str, product: str, quantity: Decimal) -> Finding:
    table = prices_for(live.environment)
    price = table.find(product, live.environment.aws.region)
    costs = f", for {price.monthly * quantity:.2f} {table.currency} a month" if price else ""
    return Finding(subject, Urgency.WARNING, expected, f"none{costs}", "Delete it when nobody needs it.")


_LOOKS: dict[str, Callable[[Live], Iterator[Finding | str]]] = {
    "addresses": _addresses,
    "volumes": _volumes,
    "load balancers": _load_balancers,
    "databases": _connections,
    "nodes": _capacity,
}
