"""ELBv2: listeners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ils_sandbox.provider.fields import Field, block, collection, flag, listing, number, text
from ils_sandbox.provider.resource import Call, Custom, Detail, FindListed, ResourceType, Scope
from ils_sandbox.provider.services.lb import LB_TAGS, TAGS_DETAIL, attribute, attribute_pairs, marked
from ils_sandbox.provider.values import Plain

_SETTINGS = frozenset({"port", "protocol", "sslPolicy", "certificateArn", "alpnPolicy", "defaultActions"})
_RESPONSE = "routing.http.response"
_ATTRIBUTES = {
    "routingHttpResponseContentSecurityPolicyHeaderValue": f"{_RESPONSE}.content_security_policy.header_value",
    "routingHttpResponseServerEnabled": f"{_RESPONSE}.server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": f"{_RESPONSE}.strict_transport_security.header_value",
    "routingHttpResponseXContentTypeOptionsHeaderValue": f"{_RESPONSE}.x_content_type_options.header_value",
    "routingHttpResponseXFrameOptionsHeaderValue": f"{_RESPONSE}.x_frame_options.header_value",
}


def _kept(field: Field) -> Field:
    """A property that is an attribute, set after the creation."""
    return replace(field, sent=False, computed=True, source=attribute(_ATTRIBUTES[field.name]))


def _certificates(arn: str) -> list[Plain]:
    return [{"CertificateArn": arn}]


def _attributes(inputs: Plain) -> dict[str, Any]:
    return {key: inputs.get(name) for name, key in _ATTRIBUTES.items()}


def _modify(scope: Scope, arn: str, _old: Plain, new: Plain) -> None:
    """All settings at once: what is not given goes with the protocol that wanted it."""
    entry = scope.type
    settings = tuple(field for field in entry.inputs if field.name in _SETTINGS)
    scope.call("modify_listener", ListenerArn=arn, **entry.codec.request(settings, new))


def _set_attributes(scope: Scope, arn: str, inputs: Plain, _described: Plain) -> None:
    _change_attributes(scope, arn, {}, inputs)


def _change_attributes(scope: Scope, arn: str, old: Plain, new: Plain) -> None:
    before = _attributes(old)
    pairs = attribute_pairs({key: value for key, value in _attributes(new).items() if before.get(key) != value})
    if pairs:
        scope.call("modify_listener_attributes", ListenerArn=arn, Attributes=pairs)


def _marked_listeners(scope: Scope, inputs: Plain) -> Iterator[str]:
    answer = scope.call_unless(
        {"LoadBalancerNotFound"}, "describe_listeners", LoadBalancerArn=inputs["loadBalancerArn"]
    )
    listeners = (answer or {}).get("Listeners", ())
    yield from marked(scope, [each["ListenerArn"] for each in listeners if each.get("Port") == inputs.get("port")])


_FORWARD = (
    collection(
        "targetGroups",
        text("arn", member="TargetGroupArn", required=True),
        number("weight", default=1),
        required=True,
    ),
    block(
        "stickiness",
        flag("enabled"),
        number("duration", member="DurationSeconds", required=True),
        member="TargetGroupStickinessConfig",
        computed=True,
    ),
)
_REDIRECT = (
    text("statusCode", required=True, choices=("HTTP_301", "HTTP_302")),
    text("host", default="#{host}"),
    text("path", default="/#{path}"),
    text("port", default="#{port}"),
    text("protocol", default="#{protocol}"),
    text("query", default="#{query}"),
)
_FIXED_RESPONSE = (text("contentType", required=True), text("messageBody"), text("statusCode", computed=True))

LISTENER = ResourceType(
    name="aws:lb/listener:Listener",
    service="elbv2",
    inputs=(
        text("loadBalancerArn", required=True, replace=True),
        number("port"),
        text("protocol", computed=True),
        text("sslPolicy", computed=True),
        text(
            "certificateArn",
            member="Certificates",
            source="Certificates[0].CertificateArn",
            encode=_certificates,
        ),
        text("alpnPolicy", source="AlpnPolicy[0]", encode=lambda value: [value]),
        listing(
            "defaultActions",
            text("type", required=True, choices=("forward", "redirect", "fixed-response")),
            number("order", computed=True),
            text("targetGroupArn", computed=True),
            block("forward", *_FORWARD, member="ForwardConfig", computed=True),
            block("redirect", *_REDIRECT, member="RedirectConfig"),
            block("fixedResponse", *_FIXED_RESPONSE, member="FixedResponseConfig"),
            required=True,
        ),
        *(_kept(flag(name) if name.endswith("Enabled") else text(name)) for name in _ATTRIBUTES),
    ),
    outputs=(text("arn", source="ListenerArn"),),
    tagging=LB_TAGS,
    create=Call("create_listener", result="Listeners[0]"),
    id="ListenerArn",
    after_create=_set_attributes,
    read=Call("describe_listeners", {"ListenerArns": ["$id"]}, "Listeners[0]"),
    missing=frozenset({"ListenerNotFound", "LoadBalancerNotFound"}),
    details=(
        Detail(
            "Attributes",
            Call("describe_listener_attributes", {"ListenerArn": "$arn"}, "Attributes"),
            outputs_only=True,
            missing=frozenset({"ListenerNotFound"}),
        ),
        TAGS_DETAIL,
    ),
    updates=(
        Custom(_SETTINGS, _modify),
        Custom(frozenset(_ATTRIBUTES), _change_attributes),
    ),
    delete=Call("delete_listener", {"ListenerArn": "$id"}),
    find=FindListed(_marked_listeners),
)

TYPES = (LISTENER,)
