"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from ils_sandbox.provider.fields import Field, flag, json_text, number, text, text_of
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    Detail,
    FindListed,
    FindNamed,
    ResourceType,
    Scope,
    Update,
)
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"NotFound", "NotFoundException"})
_ATTRIBUTES = "Attributes."
_DEFAULT_POLICY_ID = "__default_policy_ID"
_DEFAULT_ACTIONS = (
    *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic"),
    *("Subscribe", "ListSubscriptionsByTopic", "Publish"),
)


def _kept(make: Callable[..., Field], name: str, **row: Any) -> Field:
    """A property that is one of the attributes, which are all texts."""
    return make(name, member=f"{_ATTRIBUTES}{name[0].upper()}{name[1:]}", encode=text_of, **row)


def _changing(fields: tuple[Field, ...], operation: str, target: str) -> Custom:
    """Attributes change one in a call; an empty text takes one away."""

    def change(scope: Scope, id_: str, old: Plain, new: Plain) -> None:
        for field in fields:
            before, after = old.get(field.name), new.get(field.name)
            if before == after or field.replace or (after is None and field.computed):
                continue
            key = field.member.removeprefix(_ATTRIBUTES)
            value = text_of(field.cleared() if after is None else after)
            scope.call(operation, **{target: id_}, AttributeName=key, AttributeValue=value)

    return Custom(frozenset(field.name for field in fields if not field.replace), change)


_TOPIC = (
    _kept(flag, "fifoTopic", replace=True, computed=True),
    _kept(flag, "contentBasedDeduplication", default=False),
    _kept(text, "displayName"),
    _kept(text, "kmsMasterKeyId"),
    _kept(json_text, "policy", computed=True),
    _kept(json_text, "deliveryPolicy"),
    _kept(number, "signatureVersion", computed=True),
    _kept(text, "tracingConfig", computed=True, choices=("PassThrough", "Active")),
)


def _create_topic(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
    """Queues in order are another kind of topic: the others do not know their attributes."""
    attributes = request.get("Attributes", {})
    request["Attributes"] = {key: value for key, value in attributes.items() if value != "false"}
    return scope.call("create_topic", **request)


def _topic_arn(scope: Scope, inputs: Plain) -> str | None:
    return f"arn:{scope.partition}:sns:{scope.region}:{scope.account()}:{inputs['name']}"


TOPIC = ResourceType(
    name="aws:sns/topic:Topic",
    service="sns",
    inputs=(
        text("name", replace=True, source="Attributes.TopicArn", decode=lambda arn: arn and arn.rpartition(":")[2]),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        *_TOPIC,
    ),
    outputs=(text("arn", source="Attributes.TopicArn"), text("owner", source="Attributes.Owner")),
    naming=AutoName(prefix_property="namePrefix", longest=256),
    tagging=pair_tags("tag_resource", "untag_resource", {"ResourceArn": "$id"}),
    create=_create_topic,
    id="TopicArn",
    reread=True,
    read=Call("get_topic_attributes", {"TopicArn": "$id"}),
    missing=_NOT_FOUND,
    details=(
        Detail(
            "Tags",
            Call("list_tags_for_resource", {"ResourceArn": "$id"}, "Tags"),
            missing=_NOT_FOUND | {"ResourceNotFound", "ResourceNotFoundException"},
        ),
    ),
    updates=(_changing(_TOPIC, "set_topic_attributes", "TopicArn"),),
    delete=Call("delete_topic", {"TopicArn": "$id"}),
    find=FindNamed(_topic_arn),
)


def _set_policy(scope: Scope, inputs: Plain, _request: Plain) -> Plain:
    scope.call("set_topic_attributes", TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"])
    return {"Attributes": {"TopicArn": inputs["arn"]}}


def _own_policy(described: Any) -> bool:
    """Every topic has a policy; the one that SNS gives it is named."""
    policy = json.loads(described["Attributes"].get("Policy") or "{}")
    return bool(policy) and policy.get("Id") != _DEFAULT_POLICY_ID


def _restore_policy(scope: Scope, arn: str, _state: Plain) -> None:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [f"SNS:{action}" for action in _DEFAULT_ACTIONS],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": scope.account()}},
    }
    policy = {"Version": "2008-10-17", "Id": _DEFAULT_POLICY_ID, "Statement": [statement]}
    scope.call("set_topic_attributes", TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))


TOPIC_POLICY = ResourceType(
    name="aws:sns/topicPolicy:TopicPolicy",
    service="sns",
    inputs=(
        text("arn", required=True, replace=True, source="Attributes.TopicArn"),
        json_text("policy", required=True, source="Attributes.Policy"),
    ),
    outputs=(text("owner", source="Attributes.Owner"),),
    create=_set_policy,
    id="Attributes.TopicArn",
    reread=True,
    read=Call("get_topic_attributes", {"TopicArn": "$id"}),
    present=_own_policy,
    missing=_NOT_FOUND,
    updates=(
        Update(
            frozenset({"policy"}),
            Call("set_topic_attributes", {"TopicArn": "$id", "AttributeName": "Policy"}),
            members={"policy": "AttributeValue"},
        ),
    ),
    delete=_restore_policy,
    find=FindNamed(lambda _scope, inputs: inputs.get("arn")),
)

_SUBSCRIPTION = (
    _kept(json_text, "deliveryPolicy"),
    _kept(json_text, "filterPolicy"),
    _kept(text, "filterPolicyScope", computed=True, choices=("MessageAttributes", "MessageBody")),
    _kept(flag, "rawMessageDelivery", default=False),
    _kept(json_text, "redrivePolicy"),
    _kept(text, "subscriptionRoleArn"),
)


def _like_it(scope: Scope, inputs: Plain) -> Iterator[str]:
    """A topic has one subscription of an endpoint."""
    more: Plain = {}
    while True:
        page = scope.call_unless(_NOT_FOUND, "list_subscriptions_by_topic", TopicArn=inputs["topic"], **more) or {}
        for each in page.get("Subscriptions", ()):
            if (each["Protocol"], each["Endpoint"]) == (inputs["protocol"], inputs["endpoint"]):
                yield each["SubscriptionArn"]
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}


SUBSCRIPTION = ResourceType(
    name="aws:sns/topicSubscription:TopicSubscription",
    service="sns",
    inputs=(
        text("topic", member="TopicArn", source="Attributes.TopicArn", required=True, replace=True),
        text("protocol", source="Attributes.Protocol", required=True, replace=True),
        text("endpoint", source="Attributes.Endpoint", required=True, replace=True),
        number("confirmationTimeoutInMinutes", default=1, sent=False, returned=False),
        flag("endpointAutoConfirms", default=False, sent=False, returned=False),
        *_SUBSCRIPTION,
    ),
    outputs=(
        text("arn", source="Attributes.SubscriptionArn"),
        flag("confirmationWasAuthenticated", source="Attributes.ConfirmationWasAuthenticated"),
        text("ownerId", source="Attributes.Owner"),
        flag("pendingConfirmation", source="Attributes.PendingConfirmation"),
    ),
    create=Call("subscribe"),
    fixed={"ReturnSubscriptionArn": True},
    id="SubscriptionArn",
    reread=True,
    read=Call("get_subscription_attributes", {"SubscriptionArn": "$id"}),
    missing=_NOT_FOUND,
    updates=(_changing(_SUBSCRIPTION, "set_subscription_attributes", "SubscriptionArn"),),
    delete=Call("unsubscribe", {"SubscriptionArn": "$id"}),
    find=FindListed(_like_it),
)

TYPES = (TOPIC, TOPIC_POLICY, SUBSCRIPTION)
