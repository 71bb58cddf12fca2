"""ELBv2: load balancers and target groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ils_sandbox.provider.fields import Field, block, collection, flag, number, text, text_of
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import AutoName, Call, Custom, Detail, FindListed, ResourceType, Scope, Update, Wait
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

LB_TAGS = pair_tags("add_tags", "remove_tags", {"ResourceArns": ["$arn"]})
TAGS_DETAIL = Detail(
    "Tags",
    Call("describe_tags", {"ResourceArns": ["$arn"]}, "TagDescriptions[0].Tags"),
    missing=frozenset({"LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound"}),
)


def attribute(key: str) -> str:
    """Where the description has one of the attributes that are pairs of a key and a text."""
    return f"Attributes[?Key=='{key}'].Value | [0]"


def attribute_pairs(values: Mapping[str, Any]) -> list[Plain]:
    return [{"Key": key, "Value": text_of(value)} for key, value in values.items() if value is not None]


def marked(scope: Scope, arns: list[str]) -> Iterator[str]:
    """Those of `arns` that carry our mark."""
    for arn in arns:
        tags = scope.run(TAGS_DETAIL.call, {"arn": arn}) or ()
        if {"Key": MARK, "Value": mark_of(scope.urn)} in tags:
            yield arn


_BALANCER_ATTRIBUTES = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_GROUP_ATTRIBUTES = {
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "slowStart": "slow_start.duration_seconds",
}
_LOGS = {"accessLogs": "access_logs.s3", "connectionLogs": "connection_logs.s3"}


def _kept(field: Field) -> Field:
    """A property that is an attribute, set after the creation."""
    return replace(field, sent=False, source=attribute({**_BALANCER_ATTRIBUTES, **_GROUP_ATTRIBUTES}[field.name]))


def _log_field(name: str) -> Field:
    key = _LOGS[name]
    return block(
        name,
        flag("enabled", source=attribute(f"{key}.enabled")),
        text("bucket", required=True, source=attribute(f"{key}.bucket")),
        text("prefix", source=attribute(f"{key}.prefix")),
        sent=False,
        source="@",
    )


def _balancer_attributes(inputs: Plain) -> dict[str, Any]:
    wanted = {key: inputs.get(name) for name, key in _BALANCER_ATTRIBUTES.items()}
    for name, key in _LOGS.items():
        logs = inputs.get(name, {})
        wanted[f"{key}.enabled"] = bool(logs.get("enabled"))
        wanted |= {f"{key}.{member}": logs.get(member, "") for member in ("bucket", "prefix")}
    return wanted


def _set_balancer_attributes(scope: Scope, arn: str, inputs: Plain, _described: Plain) -> None:
    pairs = attribute_pairs(_balancer_attributes(inputs))
    scope.call("modify_load_balancer_attributes", LoadBalancerArn=arn, Attributes=pairs)


def _change_balancer_attributes(scope: Scope, arn: str, old: Plain, new: Plain) -> None:
    before, after = _balancer_attributes(old), _balancer_attributes(new)
    pairs = attribute_pairs({key: value for key, value in after.items() if before.get(key) != value})
    if pairs:
        scope.call("modify_load_balancer_attributes", LoadBalancerArn=arn, Attributes=pairs)


def _suffix(start: str) -> Any:
    """The part of an ARN that CloudWatch's dimensions want."""
    return lambda arn: None if arn is None else arn[arn.index(start) :].removeprefix("loadbalancer/")


def _marked_balancers(scope: Scope, inputs: Plain) -> Iterator[str]:
    answer = scope.call_unless({"LoadBalancerNotFound"}, "describe_load_balancers", Names=[inputs["name"]])
    yield from marked(scope, [balancer["LoadBalancerArn"] for balancer in (answer or {}).get("LoadBalancers", ())])


_BALANCER_READY = Wait("State.Code", frozenset({"active"}), frozenset({"failed"}), timedelta(minutes=15))

LOAD_BALANCER = ResourceType(
    name="aws:lb/loadBalancer:LoadBalancer",
    service="elbv2",
    inputs=(
        text("name", source="LoadBalancerName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        flag(
            "internal",
            default=False,
            replace=True,
            member="Scheme",
            encode=lambda value: "internal" if value in (True, "true") else "internet-facing",
            decode=lambda scheme: scheme == "internal",
        ),
        text(
            "loadBalancerType",
            default="application",
            replace=True,
            member="Type",
            choices=("application", "network", "gateway"),
        ),
        collection("securityGroups", computed=True),
        collection("subnets", computed=True, source="AvailabilityZones[].SubnetId"),
        text("ipAddressType", computed=True),
        _log_field("accessLogs"),
        _log_field("connectionLogs"),
        _kept(flag("dropInvalidHeaderFields", default=False)),
        _kept(flag("enableCrossZoneLoadBalancing", computed=True)),
        _kept(flag("enableDeletionProtection", default=False)),
        _kept(flag("enableHttp2", default=True)),
        _kept(flag("enableTlsVersionAndCipherSuiteHeaders", default=False)),
        _kept(flag("enableWafFailOpen", default=False)),
        _kept(flag("enableXffClientPort", default=False)),
        _kept(flag("enableZonalShift", default=False)),
        _kept(flag("preserveHostHeader", default=False)),
        _kept(number("clientKeepAlive", default=3600)),
        _kept(number("idleTimeout", default=60)),
        _kept(text("desyncMitigationMode", default="defensive", choices=("monitor", "defensive", "strictest"))),
        _kept(text("xffHeaderProcessingMode", default="append", choices=("append", "preserve", "remove"))),
    ),
    outputs=(
        text("arn", source="LoadBalancerArn"),
        text("arnSuffix", source="LoadBalancerArn", decode=_suffix("loadbalancer/")),
        text("dnsName", source="DNSName"),
        text("vpcId"),
        text("zoneId", source="CanonicalHostedZoneId"),
    ),
    naming=AutoName(prefix_property="namePrefix", longest=32),
    tagging=LB_TAGS,
    create=Call("create_load_balancer", result="LoadBalancers[0]"),
    id="LoadBalancerArn",
    after_create=_set_balancer_attributes,
    ready=_BALANCER_READY,
    read=Call("describe_load_balancers", {"LoadBalancerArns": ["$id"]}, "LoadBalancers[0]"),
    missing=frozenset({"LoadBalancerNotFound"}),
    details=(
        Detail(
            "Attributes",
            Call("describe_load_balancer_attributes", {"LoadBalancerArn": "$arn"}, "Attributes"),
            outputs_only=True,
            missing=frozenset({"LoadBalancerNotFound"}),
        ),
        TAGS_DETAIL,
    ),
    updates=(
        Custom(frozenset({*_BALANCER_ATTRIBUTES, *_LOGS}), _change_balancer_attributes),
        Update(frozenset({"securityGroups"}), Call("set_security_groups", {"LoadBalancerArn": "$id"})),
        Update(frozenset({"subnets"}), Call("set_subnets", {"LoadBalancerArn": "$id"})),
        Update(frozenset({"ipAddressType"}), Call("set_ip_address_type", {"LoadBalancerArn": "$id"})),
    ),
    updated=_BALANCER_READY,
    delete=Call("delete_load_balancer", {"LoadBalancerArn": "$id"}),
    gone=True,
    find=FindListed(_marked_balancers),
)

_HEALTH_CHECK = (
    flag("enabled", default=True, member="HealthCheckEnabled"),
    number("healthyThreshold", computed=True, member="HealthyThresholdCount"),
    number("unhealthyThreshold", computed=True, member="UnhealthyThresholdCount"),
    number("interval", computed=True, member="HealthCheckIntervalSeconds"),
    number("timeout", computed=True, member="HealthCheckTimeoutSeconds"),
    text("matcher", computed=True, member="Matcher.HttpCode"),
    text("path", computed=True, member="HealthCheckPath"),
    text("port", computed=True, member="HealthCheckPort"),
    text("protocol", computed=True, member="HealthCheckProtocol"),
)


def _stickiness(attributes: list[Plain] | None) -> Plain | None:
    values = {attribute["Key"]: attribute["Value"] for attribute in attributes or ()}
    kind = values.get("stickiness.type")
    if kind is None:
        return None
    settings: Plain = {"enabled": values.get("stickiness.enabled") == "true", "type": kind}
    if kind in ("lb_cookie", "app_cookie"):
        settings["cookieDuration"] = int(values.get(f"stickiness.{kind}.duration_seconds", _DAY_SECONDS))
    if kind == "app_cookie":
        settings["cookieName"] = values.get("stickiness.app_cookie.cookie_name", "")
    return settings


_DAY_SECONDS = 86400


def _group_attributes(inputs: Plain) -> dict[str, Any]:
    wanted = {key: inputs.get(name) for name, key in _GROUP_ATTRIBUTES.items()}
    if stickiness := inputs.get("stickiness"):
        kind = stickiness["type"]
        wanted |= {"stickiness.enabled": stickiness.get("enabled", True), "stickiness.type": kind}
        if kind in ("lb_cookie", "app_cookie"):
            wanted[f"stickiness.{kind}.duration_seconds"] = stickiness.get("cookieDuration", _DAY_SECONDS)
        if kind == "app_cookie":
            wanted["stickiness.app_cookie.cookie_name"] = stickiness.get("cookieName")
    return wanted


def _create_group(scope: Scope, inputs: Plain, request: Plain) -> Plain:
    request |= scope.type.codec.request(_HEALTH_CHECK, inputs.get("healthCheck", {}))
    return dict(scope.call("create_target_group", **request)["TargetGroups"][0])


def _set_group_attributes(scope: Scope, arn: str, inputs: Plain, _described: Plain) -> None:
    pairs = attribute_pairs(_group_attributes(inputs))
    scope.call("modify_target_group_attributes", TargetGroupArn=arn, Attributes=pairs)


def _change_group_attributes(scope: Scope, arn: str, old: Plain, new: Plain) -> None:
    before, after = _group_attributes(old), _group_attributes(new)
    pairs = attribute_pairs({key: value for key, value in after.items() if before.get(key) != value})
    if pairs:
        scope.call("modify_target_group_attributes", TargetGroupArn=arn, Attributes=pairs)


def _change_health_check(scope: Scope, arn: str, _old: Plain, new: Plain) -> None:
    changes = scope.type.codec.request(_HEALTH_CHECK, new.get("healthCheck", {}))
    if changes:
        scope.call("modify_target_group", TargetGroupArn=arn, **changes)


def _marked_groups(scope: Scope, inputs: Plain) -> Iterator[str]:
    answer = scope.call_unless({"TargetGroupNotFound"}, "describe_target_groups", Names=[inputs["name"]])
    yield from marked(scope, [group["TargetGroupArn"] for group in (answer or {}).get("TargetGroups", ())])


TARGET_GROUP = ResourceType(
    name="aws:lb/targetGroup:TargetGroup",
    service="elbv2",
    inputs=(
        text("name", source="TargetGroupName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        number("port", replace=True),
        text("protocol", replace=True, computed=True),
        text("protocolVersion", replace=True, computed=True),
        text("vpcId", replace=True),
        text("targetType", default="instance", replace=True, choices=("instance", "ip", "lambda", "alb")),
        text("ipAddressType", replace=True, computed=True),
        block("healthCheck", *_HEALTH_CHECK, computed=True, sent=False, source="@"),
        block(
            "stickiness",
            flag("enabled", default=True),
            text("type", required=True, choices=("lb_cookie", "app_cookie", "source_ip")),
            number("cookieDuration", default=_DAY_SECONDS),
            text("cookieName"),
            computed=True,
            sent=False,
            source="Attributes",
            decode=_stickiness,
        ),
        _kept(number("deregistrationDelay", default=300)),
        _kept(number("slowStart", default=0)),
        _kept(text("loadBalancingAlgorithmType", computed=True)),
        _kept(text("loadBalancingAnomalyMitigation", computed=True)),
        _kept(text("loadBalancingCrossZoneEnabled", computed=True)),
    ),
    outputs=(
        text("arn", source="TargetGroupArn"),
        text("arnSuffix", source="TargetGroupArn", decode=_suffix("targetgroup/")),
        collection("loadBalancerArns"),
    ),
    naming=AutoName(prefix_property="namePrefix", longest=32),
    tagging=LB_TAGS,
    create=_create_group,
    id="TargetGroupArn",
    after_create=_set_group_attributes,
    read=Call("describe_target_groups", {"TargetGroupArns": ["$id"]}, "TargetGroups[0]"),
    missing=frozenset({"TargetGroupNotFound"}),
    details=(
        Detail(
            "Attributes",
            Call("describe_target_group_attributes", {"TargetGroupArn": "$arn"}, "Attributes"),
            outputs_only=True,
            missing=frozenset({"TargetGroupNotFound"}),
        ),
        TAGS_DETAIL,
    ),
    updates=(
        Custom(frozenset({"healthCheck"}), _change_health_check),
        Custom(frozenset({"stickiness", *_GROUP_ATTRIBUTES}), _change_group_attributes),
    ),
    delete=Call("delete_target_group", {"TargetGroupArn": "$id"}),
    find=FindListed(_marked_groups),
)

TYPES = (LOAD_BALANCER, TARGET_GROUP)
