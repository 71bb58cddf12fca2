"""ELBv2: load balancers take a while; defaults, deletion protection and checks of listeners, all of which moto leaves out."""

from __future__ import annotations

from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay import durations
from ils_sandbox.aws.overlay.acm import status_of
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, Routes, World
from ils_sandbox.aws.responses import AwsError

LOAD_BALANCER_DEFAULTS = {
    "access_logs.s3.enabled": "false",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "idle_timeout.timeout_seconds": "60",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
"""Of application load balancers, as the API reference has them."""

TARGET_GROUP_DEFAULTS = {
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.lb_cookie.duration_seconds": "86400",
}
REDIRECT_DEFAULTS = {
    "Host": "#{host}",
    "Path": "/#{path}",
    "Port": "#{port}",
    "Protocol": "#{protocol}",
    "Query": "#{query}",
}
"""What a redirect keeps of the request's address where it does not say otherwise."""

MOST_WEIGHT = 999
_SECURE = frozenset({"HTTPS", "TLS"})


def _shown(world: World, balancer: Result) -> Result:
    phase = world.lifecycles.phase(balancer["LoadBalancerArn"])
    return {**balancer, "State": {"Code": phase or "active"}}


def create_load_balancer(call: Call, world: World) -> Result:
    backend = world.backend(call, "elbv2")
    name = call.params["Name"]
    if name in {balancer.name for balancer in backend.load_balancers.values()}:
        raise AwsError("DuplicateLoadBalancerName", f"A load balancer with the name '{name}' exists already")
    balancers = world.forward(call)["LoadBalancers"]
    for balancer in balancers:
        made = backend.load_balancers[balancer["LoadBalancerArn"]]
        made.attrs.update(LOAD_BALANCER_DEFAULTS)
        world.lifecycles.begin(made.arn, "provisioning", durations.LOAD_BALANCER_CREATE)
    return {"LoadBalancers": [_shown(world, balancer) for balancer in balancers]}


def describe_load_balancers(call: Call, world: World) -> Result:
    result = world.forward(call)
    return {**result, "LoadBalancers": [_shown(world, balancer) for balancer in result["LoadBalancers"]]}


def delete_load_balancer(call: Call, world: World) -> Result:
    arn = call.params["LoadBalancerArn"]
    balancer = world.backend(call, "elbv2").load_balancers.get(arn)
    if balancer is not None and balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise AwsError("OperationNotPermitted", message)
    world.lifecycles.forget(arn)
    return world.forward(call)


def modify_load_balancer_attributes(call: Call, world: World) -> Result:
    given = {attribute["Key"]: attribute["Value"] for attribute in call.params["Attributes"]}
    for kind in ("access_logs", "connection_logs"):
        if given.get(f"{kind}.s3.enabled") == "true":
            _check_log_bucket(call, world, given.get(f"{kind}.s3.bucket", ""))
    return world.forward(call)


def _check_log_bucket(call: Call, world: World, bucket: str) -> None:
    """ELB writes a test file when logs are turned on: the bucket must be there, and its policy let ELB in."""
    try:
        world.invoke(call, "s3", "GetBucketPolicy", Bucket=bucket)
    except MotoRefusedError as refused:
        message = f"Access Denied for bucket: {bucket}. Please check S3bucket permission"
        raise AwsError("InvalidConfigurationRequest", message) from refused


def create_target_group(call: Call, world: World) -> Result:
    result = world.forward(call)
    backend = world.backend(call, "elbv2")
    for group in result["TargetGroups"]:
        if group.get("Protocol") in ("HTTP", "HTTPS"):
            backend.target_groups[group["TargetGroupArn"]].attributes.update(TARGET_GROUP_DEFAULTS)
    return result


def describe_target_health(call: Call, world: World) -> Result:
    """Targets of a group that no listener forwards to are not checked, whatever becomes of them."""
    result = world.forward(call)
    group = call.params["TargetGroupArn"]
    balancers = world.backend(call, "elbv2").load_balancers.values()
    if any(group in _forwarded_to(listener) for balancer in balancers for listener in balancer.listeners.values()):
        return result
    not_used = {
        "State": "unused",
        "Reason": "Target.NotInUse",
        "Description": "Target group is not configured to receive traffic from the load balancer",
    }
    found = result["TargetHealthDescriptions"]
    return {**result, "TargetHealthDescriptions": [{**each, "TargetHealth": not_used} for each in found]}


def _forwarded_to(listener: Any) -> set[str]:
    """ARNs of the target groups that a listener's actions and rules name."""
    actions = [*listener.default_actions, *(action for rule in listener.rules.values() for action in rule.actions)]
    found = {action.data.get("TargetGroupArn") for action in actions}
    for action in actions:
        found |= {each["TargetGroupArn"] for each in action.data.get("ForwardConfig", {}).get("TargetGroups", ())}
    return {arn for arn in found if arn}


def _action(action: dict[str, Any]) -> dict[str, Any]:
    if action.get("Type") != "redirect":
        return action
    return {**action, "RedirectConfig": {**REDIRECT_DEFAULTS, **action.get("RedirectConfig", {})}}


def _listeners(result: Result) -> Result:
    shown = []
    for listener in result["Listeners"]:
        described = {**listener, "DefaultActions": [_action(action) for action in listener["DefaultActions"]]}
        if listener.get("Protocol") not in _SECURE:
            described.pop("SslPolicy", None)
        shown.append(described)
    return {**result, "Listeners": shown}


def _check_certificates(call: Call, world: World) -> None:
    """A listener takes a certificate once it is issued, not before."""
    for certificate in call.params.get("Certificates") or ():
        arn = certificate["CertificateArn"]
        if ":acm:" in arn and status_of(call, world, arn) != "ISSUED":
            message = (
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a "
                "supported key size."
            )
            raise AwsError("UnsupportedCertificate", message)


def _check_port(call: Call, world: World, balancer: str, but: str = "") -> None:
    port = call.params.get("Port")
    listeners = world.invoke(call, "elbv2", "DescribeListeners", LoadBalancerArn=balancer)["Listeners"]
    if port in {listener.get("Port") for listener in listeners if listener["ListenerArn"] != but}:
        raise AwsError(
            "DuplicateListener", f"A listener already exists on this port for this load balancer '{balancer}'"
        )


def _check_forwards(call: Call, world: World) -> None:
    """Whose targets are sticky is itself to be sticky among several groups."""
    groups = world.backend(call, "elbv2").target_groups
    for action in call.params.get("DefaultActions") or ():
        forward = action.get("ForwardConfig", {})
        named = [each["TargetGroupArn"] for each in forward.get("TargetGroups", ())]
        sticky = [arn for arn in named if arn in groups and groups[arn].attributes.get("stickiness.enabled") == "true"]
        if len(named) > 1 and sticky and not forward.get("TargetGroupStickinessConfig", {}).get("Enabled"):
            message = (
                "You must enable group stickiness on a rule if you enable target stickiness on one of its target groups"
            )
            raise AwsError("InvalidConfigurationRequest", message)
        if any(not 0 <= each.get("Weight", 1) <= MOST_WEIGHT for each in forward.get("TargetGroups", ())):
            raise AwsError("ValidationError", f"The weight of a target group must be between 0 and {MOST_WEIGHT}")


def create_listener(call: Call, world: World) -> Result:
    _check_port(call, world, call.params["LoadBalancerArn"])
    _check_forwards(call, world)
    _check_certificates(call, world)
    return _listeners(world.forward(call))


def modify_listener(call: Call, world: World) -> Result:
    arn = call.params["ListenerArn"]
    listener = world.invoke(call, "elbv2", "DescribeListeners", ListenerArns=[arn])["Listeners"][0]
    if call.params.get("Port"):
        _check_port(call, world, listener["LoadBalancerArn"], but=arn)
    _check_forwards(call, world)
    _check_certificates(call, world)
    world.forward(call)
    if call.params.get("Protocol", "HTTPS") not in _SECURE:
        for balancer in world.backend(call, "elbv2").load_balancers.values():
            if arn in balancer.listeners:
                balancer.listeners[arn].certificates = []
    return _listeners(world.invoke(call, "elbv2", "DescribeListeners", ListenerArns=[arn]))


def describe_listeners(call: Call, world: World) -> Result:
    return _listeners(world.forward(call))


ROUTES: Routes = {
    "CreateListener": create_listener,
    "CreateLoadBalancer": create_load_balancer,
    "CreateTargetGroup": create_target_group,
    "DeleteLoadBalancer": delete_load_balancer,
    "DescribeListeners": describe_listeners,
    "DescribeLoadBalancers": describe_load_balancers,
    "DescribeTargetHealth": describe_target_health,
    "ModifyListener": modify_listener,
    "ModifyLoadBalancerAttributes": modify_load_balancer_attributes,
}
