"""EC2 flow logs."""

from __future__ import annotations

from collections.abc import Callable

from ils_sandbox.provider.fields import number, text
from ils_sandbox.provider.resource import Call, FindMarked, ResourceType, Scope
from ils_sandbox.provider.services.ec2_network import MARKED, ec2_arn
from ils_sandbox.provider.tagging import ec2_tags
from ils_sandbox.provider.values import Plain

_WATCHED = {
    "vpcId": ("VPC", "vpc-"),
    "subnetId": ("Subnet", "subnet-"),
    "eniId": ("NetworkInterface", "eni-"),
}


def _watched_id(prefix: str) -> Callable[[str | None], str | None]:
    return lambda value: value if value and value.startswith(prefix) else None


def _create(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    name = next(name for name in _WATCHED if inputs.get(name))
    answer = scope.call("create_flow_logs", ResourceIds=[inputs[name]], ResourceType=_WATCHED[name][0], **request)
    return {"FlowLogId": answer["FlowLogIds"][0]}


FLOW_LOG = ResourceType(
    name="aws:ec2/flowLog:FlowLog",
    service="ec2",
    inputs=(
        *(
            text(name, sent=False, replace=True, source="ResourceId", decode=_watched_id(prefix))
            for name, (_, prefix) in _WATCHED.items()
        ),
        text("trafficType", replace=True, choices=("ACCEPT", "REJECT", "ALL")),
        text("logDestinationType", replace=True, default="cloud-watch-logs"),
        # CloudWatch Logs shows groups with and without the suffix that means all their streams.
        text("logDestination", replace=True, computed=True, canonical=lambda arn: arn.removesuffix(":*")),
        text("iamRoleArn", member="DeliverLogsPermissionArn", replace=True),
        text("logFormat", replace=True, computed=True),
        number("maxAggregationInterval", replace=True, default=600, choices=(60, 600)),
    ),
    outputs=(text("arn", returned=False),),
    tagging=ec2_tags("vpc-flow-log"),
    create=_create,
    idempotency_member="ClientToken",
    id="FlowLogId",
    read=Call("describe_flow_logs", {"FlowLogIds": ["$id"]}, "FlowLogs[0]"),
    missing=frozenset({"InvalidFlowLogId.NotFound"}),
    derived=ec2_arn("vpc-flow-log"),
    delete=Call("delete_flow_logs", {"FlowLogIds": ["$id"]}),
    find=FindMarked(Call("describe_flow_logs", {"Filter": MARKED}, "FlowLogs"), "FlowLogId"),
    validate=lambda inputs: (
        ()
        if sum(inputs.get(name) is not None for name in _WATCHED) == 1
        else (("vpcId", f"expected exactly one of {', '.join(_WATCHED)}"),)
    ),
)

TYPES = (FLOW_LOG,)
