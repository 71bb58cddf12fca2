"""SNS: attributes of a topic that moto drops or does not count, and topics of a taken name."""

from __future__ import annotations

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.store import Table
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, Routes, World
from ils_sandbox.aws.responses import AwsError

TOPICS = "sns.topics"
_KEPT = ("ArchivePolicy", "SignatureVersion", "TracingConfig")


def _topics(call: Call, world: World) -> Table:
    return world.table(TOPICS, call)


def create_topic(call: Call, world: World) -> Result:
    """The same topic again is answered with the one that is there; with other tags it is refused."""
    arn = f"arn:aws:sns:{call.region}:{call.account}:{call.params['Name']}"
    tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags") or ()}
    try:
        there = world.invoke(call, "sns", "ListTagsForResource", ResourceArn=arn)["Tags"]
    except MotoRefusedError:
        there = None
    if there is not None and tags and tags != {tag["Key"]: tag["Value"] for tag in there}:
        message = "Invalid parameter: Tags Reason: Topic already exists with different tags"
        raise AwsError("InvalidParameter", message, 400)
    result = world.forward(call)
    given = call.params.get("Attributes") or {}
    kept = _topics(call, world).setdefault(arn, {})
    kept.update({name: given[name] for name in _KEPT if name in given})
    return result


def get_topic_attributes(call: Call, world: World) -> Result:
    """With every subscription counted as confirmed: nobody in the sandbox reads a message that asks for it."""
    arn = call.params["TopicArn"]
    attributes = world.forward(call)["Attributes"]
    subscriptions = world.invoke(call, "sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    confirmed = {"SubscriptionsConfirmed": str(len(subscriptions)), "SubscriptionsPending": "0"}
    return {"Attributes": {**attributes, **confirmed, **_topics(call, world).get(arn, {})}}


def set_topic_attributes(call: Call, world: World) -> Result:
    name = call.params["AttributeName"]
    if name not in _KEPT:
        return world.forward(call)
    world.invoke(call, "sns", "GetTopicAttributes", TopicArn=call.params["TopicArn"])
    _topics(call, world).setdefault(call.params["TopicArn"], {})[name] = call.params.get("AttributeValue", "")
    return {}


def delete_topic(call: Call, world: World) -> Result:
    _topics(call, world).pop(call.params["TopicArn"], None)
    return world.forward(call)


ROUTES: Routes = {
    "CreateTopic": create_topic,
    "DeleteTopic": delete_topic,
    "GetTopicAttributes": get_topic_attributes,
    "SetTopicAttributes": set_topic_attributes,
}
