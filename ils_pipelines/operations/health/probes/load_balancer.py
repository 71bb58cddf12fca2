"""The load balancers of the VPC: that they are active, listen, and have targets that answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ils_pipelines.operations.health.judging import States, finding, judged, share
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import Record
from ils_pipelines.operations.view import View
from ils_pipelines.release.objects import TARGET_GROUP_BINDING

_STATES = States("active", frozenset({"provisioning", "active_impaired"}))
_REMEDY = "Look at the load balancer in the EC2 console; `ils drift` says what is missing."
_BINDING_REMEDY = (
    "See that pods are ready, that a listener forwards to the group, and that the AWS Load Balancer Controller runs "
    "(docs/load-balancer-controller.md)."
)
_TARGET_REMEDY = "See why the targets fail: the pods' readiness, the port, and the security groups between them."


def load_balancers(view: View) -> Iterator[HealthFinding]:
    for balancer in _balancers(view):
        name, arn = balancer["LoadBalancerName"], balancer["LoadBalancerArn"]
        state = balancer["State"]
        yield judged(f"load balancer {name}", state, "Code", _STATES, _REMEDY, lambda each: each.get("Reason") or "")
        listeners = view.live.list("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn)
        ports = ", ".join(str(listener["Port"]) for listener in sorted(listeners, key=lambda each: each["Port"]))
        yield finding(
            f"listeners of {name}",
            "one or more ports",
            ports or "none",
            _REMEDY,
            HealthStatus.HEALTHY if listeners else HealthStatus.UNHEALTHY,
        )


def target_groups(view: View) -> Iterator[HealthFinding]:
    """Those of the VPC, whether a listener uses them or not."""
    for group in view.live.list("elbv2", "describe_target_groups", "TargetGroups"):
        if group.get("VpcId") != view.output("vpc_id"):
            continue
        targets = view.live.list(
            "elbv2", "describe_target_health", "TargetHealthDescriptions", TargetGroupArn=group["TargetGroupArn"]
        )
        # A target of a group that no listener uses is not checked at all, and one that leaves is on its way out.
        counted = [each for each in targets if each["TargetHealth"]["State"] not in {"unused", "draining"}]
        component = f"target group {group['TargetGroupName']}"
        if not counted:
            # Whether anything should be there, a binding of the cluster says.
            if group["TargetGroupArn"] in _bound(view):
                yield _without_targets(component, targets)
            continue
        healthy = sum(each["TargetHealth"]["State"] == "healthy" for each in counted)
        reasons = [_reason(each) for each in counted if each["TargetHealth"]["State"] != "healthy"]
        yield share(component, "targets healthy", healthy, len(counted), _TARGET_REMEDY, reasons)


def _bound(view: View) -> set[str]:
    """ARNs of the groups whose targets the cluster registers."""
    return {each["spec"]["targetGroupARN"] for each in view.live.objects(TARGET_GROUP_BINDING)}


def _without_targets(component: str, targets: Sequence[Record]) -> HealthFinding:
    found = "; ".join(dict.fromkeys(_reason(each) for each in targets)) or "none registered"
    return finding(component, "the application's pods", found, _BINDING_REMEDY, HealthStatus.UNHEALTHY)


def _balancers(view: View) -> Iterator[Record]:
    for balancer in view.live.list("elbv2", "describe_load_balancers", "LoadBalancers"):
        if balancer.get("VpcId") == view.output("vpc_id"):
            yield balancer


def _reason(target: Record) -> str:
    health = target["TargetHealth"]
    return f"{target['Target']['Id']}: {health.get('Description') or health.get('Reason') or health['State']}"
