"""EKS: who may use a cluster's API, and which AWS role its pods have."""

from __future__ import annotations

from collections.abc import Iterator

from ils_sandbox.provider.fields import MemberStyle, block, collection, flag, json_text, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import Call, FindListed, FindNamed, ResourceType, Scope, Update
from ils_sandbox.provider.services.eks import timestamp
from ils_sandbox.provider.tagging import map_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_ENTRY = {"clusterName": "$clusterName", "principalArn": "$principalArn"}


def _entry_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['clusterName']}:{inputs['principalArn']}"


def _read_entry(scope: Scope, id_: str, _known: Plain) -> Plain:
    cluster, _, principal = id_.partition(":")
    return dict(scope.call("describe_access_entry", clusterName=cluster, principalArn=principal)["accessEntry"])


ACCESS_ENTRY = ResourceType(
    name="aws:eks/accessEntry:AccessEntry",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("clusterName", required=True, replace=True),
        text("principalArn", required=True, replace=True),
        collection("kubernetesGroups", computed=True),
        text("type", default="STANDARD", replace=True),
        text("userName", member="username", computed=True),
    ),
    outputs=(
        text("accessEntryArn"),
        text("createdAt", decode=timestamp),
        text("modifiedAt", decode=timestamp),
    ),
    tagging=map_tags("resourceArn", arn="accessEntryArn"),
    create=Call("create_access_entry", result="accessEntry"),
    idempotency_member="clientRequestToken",
    id=_entry_id,
    read=_read_entry,
    missing=_NOT_FOUND,
    updates=(Update(frozenset({"kubernetesGroups", "userName"}), Call("update_access_entry", _ENTRY)),),
    delete=Call("delete_access_entry", _ENTRY),
    find=FindNamed(lambda scope, inputs: _entry_id(scope, inputs, {})),
)


def _policy_id(_scope: Scope, inputs: Plain, _described: Plain) -> str:
    return f"{inputs['clusterName']}#{inputs['principalArn']}#{inputs['policyArn']}"


def _associate(scope: Scope, _inputs: Plain, request: Plain) -> Plain:
    answer = scope.call("associate_access_policy", **request)
    return {**answer, **answer["associatedAccessPolicy"]}


def _read_policy(scope: Scope, id_: str, _known: Plain) -> Plain | None:
    cluster, principal, policy = id_.split("#")
    more: Plain = {}
    while True:
        page = scope.call("list_associated_access_policies", clusterName=cluster, principalArn=principal, **more)
        for association in page["associatedAccessPolicies"]:
            if association["policyArn"] == policy:
                return {**association, "clusterName": cluster, "principalArn": principal}
        if not page.get("nextToken"):
            return None
        more = {"nextToken": page["nextToken"]}


ACCESS_POLICY = ResourceType(
    name="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("clusterName", required=True, replace=True),
        text("principalArn", required=True, replace=True),
        text("policyArn", required=True, replace=True),
        block(
            "accessScope",
            text("type", required=True, choices=("cluster", "namespace")),
            collection("namespaces"),
            required=True,
            replace=True,
        ),
    ),
    outputs=(text("associatedAt", decode=timestamp), text("modifiedAt", decode=timestamp)),
    create=_associate,
    id=_policy_id,
    read=_read_policy,
    missing=_NOT_FOUND,
    delete=Call("disassociate_access_policy", {**_ENTRY, "policyArn": "$policyArn"}),
    find=FindNamed(lambda scope, inputs: _policy_id(scope, inputs, {})),
)


def _marked(scope: Scope, inputs: Plain) -> Iterator[str]:
    place = {member: inputs[member] for member in ("clusterName", "namespace", "serviceAccount")}
    answer = scope.call_unless(_NOT_FOUND, "list_pod_identity_associations", **place)
    for listed in (answer or {}).get("associations", ()):
        names = {"clusterName": inputs["clusterName"], "associationId": listed["associationId"]}
        described = scope.call("describe_pod_identity_association", **names)["association"]
        if described.get("tags", {}).get(MARK) == mark_of(scope.urn):
            yield listed["associationId"]


_ASSOCIATION = {"clusterName": "$clusterName", "associationId": "$id"}
_CHANGED = frozenset({"roleArn", "disableSessionTags", "targetRoleArn", "policy"})

POD_IDENTITY = ResourceType(
    name="aws:eks/podIdentityAssociation:PodIdentityAssociation",
    service="eks",
    style=MemberStyle.CAMEL,
    inputs=(
        text("clusterName", required=True, replace=True),
        text("namespace", required=True, replace=True),
        text("serviceAccount", required=True, replace=True),
        text("roleArn", required=True),
        flag("disableSessionTags", computed=True),
        json_text("policy"),
        text("targetRoleArn"),
    ),
    outputs=(text("associationArn"), text("associationId"), text("externalId")),
    tagging=map_tags("resourceArn", arn="associationArn"),
    create=Call("create_pod_identity_association", result="association"),
    idempotency_member="clientRequestToken",
    id="associationId",
    read=Call("describe_pod_identity_association", _ASSOCIATION, "association"),
    missing=_NOT_FOUND,
    updates=(Update(_CHANGED, Call("update_pod_identity_association", _ASSOCIATION)),),
    delete=Call("delete_pod_identity_association", _ASSOCIATION),
    find=FindListed(_marked),
)

TYPES = (ACCESS_ENTRY, ACCESS_POLICY, POD_IDENTITY)
