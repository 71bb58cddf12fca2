"""AWS WAF: which web ACL guards a load balancer."""

from __future__ import annotations

from ils_sandbox.provider.fields import text
from ils_sandbox.provider.resource import FindNamed, ResourceType, Scope
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"WAFNonexistentItemException"})


def _id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['webAclArn']},{inputs['resourceArn']}"


def _associate(scope: Scope, inputs: Plain, _request: Plain) -> Plain:
    scope.call("associate_web_acl", WebACLArn=inputs["webAclArn"], ResourceArn=inputs["resourceArn"])
    return {"WebAclArn": inputs["webAclArn"], "ResourceArn": inputs["resourceArn"]}


def _read(scope: Scope, id_: str, _known: Plain) -> Plain | None:
    """A resource has one web ACL at most: where another took the place of ours, that is what is found."""
    resource = id_.partition(",")[2]
    found = scope.call("get_web_acl_for_resource", ResourceArn=resource).get("WebACL")
    return {"WebAclArn": found["ARN"], "ResourceArn": resource} if found else None


def _dissociate(scope: Scope, id_: str, state: Plain) -> None:
    if _read(scope, id_, state):
        scope.call("disassociate_web_acl", ResourceArn=id_.partition(",")[2])


WEB_ACL_ASSOCIATION = ResourceType(
    name="aws:wafv2/webAclAssociation:WebAclAssociation",
    service="wafv2",
    inputs=(
        text("webAclArn", required=True, replace=True),
        text("resourceArn", required=True, replace=True),
    ),
    create=_associate,
    id=_id,
    read=_read,
    missing=_NOT_FOUND,
    delete=_dissociate,
    # The new association takes the place of the old one; deleting that afterwards would end both.
    delete_before_replace=True,
    find=FindNamed(lambda scope, inputs: _id(scope, inputs, {})),
)

TYPES = (WEB_ACL_ASSOCIATION,)
