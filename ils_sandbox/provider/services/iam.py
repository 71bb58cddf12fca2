"""IAM: roles, what they may do, and OpenID Connect providers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from ils_sandbox.provider.errors import AlreadyExists
from ils_sandbox.provider.fields import collection, flag, json_text, listing, number, text
from ils_sandbox.provider.resource import (
    AutoName,
    Call,
    Custom,
    FindNamed,
    ResourceType,
    Scope,
    Update,
)
from ils_sandbox.provider.tagging import pair_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"NoSuchEntity"})


def document(value: Any) -> str | None:
    """A policy as a string: IAM gives it URL-encoded, botocore already parsed."""
    if value is None or isinstance(value, str):
        return unquote(value) if value else value
    return json.dumps(value)


def _change_boundary(scope: Scope, name: str, _old: Plain, new: Plain) -> None:
    if boundary := new.get("permissionsBoundary"):
        scope.call("put_role_permissions_boundary", RoleName=name, PermissionsBoundary=boundary)
    else:
        scope.call("delete_role_permissions_boundary", RoleName=name)


def _detach_everything(scope: Scope, name: str, state: Plain) -> None:
    """A role with policies cannot be deleted; with `forceDetachPolicies` those go first."""
    if not state.get("forceDetachPolicies"):
        return
    for policy in scope.call("list_attached_role_policies", RoleName=name)["AttachedPolicies"]:
        scope.call("detach_role_policy", RoleName=name, PolicyArn=policy["PolicyArn"])
    for inline in scope.call("list_role_policies", RoleName=name)["PolicyNames"]:
        scope.call("delete_role_policy", RoleName=name, PolicyName=inline)


ROLE = ResourceType(
    name="aws:iam/role:Role",
    service="iam",
    regional=False,
    inputs=(
        text("name", member="RoleName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        json_text("assumeRolePolicy", member="AssumeRolePolicyDocument", required=True, decode=document),
        text("description"),
        flag("forceDetachPolicies", default=False, sent=False, returned=False),
        number("maxSessionDuration", default=3600),
        text("path", default="/", replace=True),
        text("permissionsBoundary", source="PermissionsBoundary.PermissionsBoundaryArn"),
    ),
    outputs=(
        text("arn"),
        text("createDate", source="CreateDate", decode=lambda v: v and v.strftime("%Y-%m-%dT%H:%M:%SZ")),
        text("uniqueId", source="RoleId"),
    ),
    naming=AutoName(prefix_property="namePrefix"),
    tagging=pair_tags("tag_role", "untag_role", {"RoleName": "$id"}),
    create=Call("create_role", result="Role"),
    id="RoleName",
    read=Call("get_role", {"RoleName": "$id"}, "Role"),
    missing=_NOT_FOUND,
    updates=(
        Update(
            frozenset({"assumeRolePolicy"}),
            Call("update_assume_role_policy", {"RoleName": "$id"}),
            members={"assumeRolePolicy": "PolicyDocument"},
        ),
        Update(
            frozenset({"description", "maxSessionDuration"}),
            Call("update_role", {"RoleName": "$id"}),
            all_fields=True,
        ),
        Custom(frozenset({"permissionsBoundary"}), _change_boundary),
    ),
    before_delete=_detach_everything,
    delete=Call("delete_role", {"RoleName": "$id"}),
    find=FindNamed(lambda _scope, inputs: inputs.get("name")),
)


def _role_policy_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['role']}:{inputs['name']}"


def _read_role_policy(scope: Scope, id_: str, _state: Plain) -> Plain | None:
    role, _, name = id_.partition(":")
    return scope.call_unless(_NOT_FOUND, "get_role_policy", RoleName=role, PolicyName=name)


def _refuse_overwriting(scope: Scope, inputs: Plain) -> None:
    """IAM's own call would silently overwrite a policy of that name."""
    id_ = _role_policy_id(scope, inputs, {})
    if _read_role_policy(scope, id_, {}) is not None:
        raise AlreadyExists(
            "iam",
            "put_role_policy",
            "EntityAlreadyExists",
            f"role {inputs['role']} already has an inline policy {inputs['name']}, which was not made by this "
            "resource: give this one another name, or remove the other.",
        )


ROLE_POLICY = ResourceType(
    name="aws:iam/rolePolicy:RolePolicy",
    service="iam",
    regional=False,
    inputs=(
        text("role", member="RoleName", required=True, replace=True),
        text("name", member="PolicyName", replace=True),
        text("namePrefix", replace=True, computed=True, sent=False, returned=False),
        json_text("policy", member="PolicyDocument", required=True, decode=document),
    ),
    naming=AutoName(prefix_property="namePrefix", longest=128),
    precheck=_refuse_overwriting,
    create=Call("put_role_policy"),
    id=_role_policy_id,
    read=_read_role_policy,
    missing=_NOT_FOUND,
    updates=(
        Update(
            frozenset({"policy"}),
            Call("put_role_policy", {"RoleName": "$role", "PolicyName": "$name"}),
        ),
    ),
    delete=Call("delete_role_policy", {"RoleName": "$role", "PolicyName": "$name"}),
    find=FindNamed(lambda scope, inputs: _role_policy_id(scope, inputs, {})),
)


def _attachment_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['role']}/{inputs['policyArn']}"


def _read_attachment(scope: Scope, id_: str, state: Plain) -> Plain | None:
    """The state tells role and policy; an import's id does."""
    role, _, arn = id_.partition("/")
    role, arn = state.get("role", role), state.get("policyArn", arn)
    marker: Plain = {}
    while page := scope.call_unless(_NOT_FOUND, "list_attached_role_policies", RoleName=role, **marker):
        if any(policy["PolicyArn"] == arn for policy in page["AttachedPolicies"]):
            return {"RoleName": role, "PolicyArn": arn}
        if not page.get("IsTruncated"):
            return None
        marker = {"Marker": page["Marker"]}
    return None


ROLE_POLICY_ATTACHMENT = ResourceType(
    name="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    service="iam",
    regional=False,
    inputs=(
        text("role", member="RoleName", required=True, replace=True),
        text("policyArn", required=True, replace=True),
    ),
    create=Call("attach_role_policy"),
    id=_attachment_id,
    read=_read_attachment,
    missing=_NOT_FOUND,
    delete=Call("detach_role_policy", {"RoleName": "$role", "PolicyArn": "$policyArn"}),
    find=FindNamed(lambda scope, inputs: _attachment_id(scope, inputs, {})),
)


def _without_scheme(url: str) -> str:
    return url.removeprefix("https://")


def _change_client_ids(scope: Scope, arn: str, old: Plain, new: Plain) -> None:
    before, after = set(old.get("clientIdLists", ())), set(new.get("clientIdLists", ()))
    for client in sorted(after - before):
        scope.call("add_client_id_to_open_id_connect_provider", OpenIDConnectProviderArn=arn, ClientID=client)
    for client in sorted(before - after):
        scope.call("remove_client_id_from_open_id_connect_provider", OpenIDConnectProviderArn=arn, ClientID=client)


def _oidc_arn(scope: Scope, inputs: Plain) -> str:
    return f"arn:{scope.partition}:iam::{scope.account()}:oidc-provider/{_without_scheme(inputs['url'])}"


OPEN_ID_CONNECT_PROVIDER = ResourceType(
    name="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
    service="iam",
    regional=False,
    inputs=(
        text("url", required=True, replace=True, canonical=_without_scheme),
        collection("clientIdLists", member="ClientIDList", required=True),
        listing("thumbprintLists", member="ThumbprintList", computed=True),
    ),
    outputs=(text("arn", returned=False),),
    tagging=pair_tags(
        "tag_open_id_connect_provider", "untag_open_id_connect_provider", {"OpenIDConnectProviderArn": "$id"}
    ),
    create=Call("create_open_id_connect_provider"),
    id="OpenIDConnectProviderArn",
    reread=True,
    read=Call("get_open_id_connect_provider", {"OpenIDConnectProviderArn": "$id"}),
    missing=_NOT_FOUND,
    derived=lambda _scope, id_, _properties: {"arn": id_},
    updates=(
        Custom(frozenset({"clientIdLists"}), _change_client_ids),
        Update(
            frozenset({"thumbprintLists"}),
            Call("update_open_id_connect_provider_thumbprint", {"OpenIDConnectProviderArn": "$id"}),
        ),
    ),
    delete=Call("delete_open_id_connect_provider", {"OpenIDConnectProviderArn": "$id"}),
    find=FindNamed(_oidc_arn),
)

TYPES = (ROLE, ROLE_POLICY, ROLE_POLICY_ATTACHMENT, OPEN_ID_CONNECT_PROVIDER)
