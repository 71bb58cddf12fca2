"""Amazon Managed Service for Prometheus: workspaces."""

from __future__ import annotations

from collections.abc import Iterator

from ils_sandbox.provider.fields import MemberStyle, text
from ils_sandbox.provider.marks import MARK, mark_of
from ils_sandbox.provider.resource import Call, FindListed, ResourceType, Scope, Update, Wait
from ils_sandbox.provider.tagging import map_tags
from ils_sandbox.provider.values import Plain

_NOT_FOUND = frozenset({"ResourceNotFoundException"})
_WORKSPACE = {"workspaceId": "$id"}


def _marked(scope: Scope, _inputs: Plain) -> Iterator[str]:
    more: Plain = {}
    while True:
        page = scope.call("list_workspaces", **more)
        for listed in page["workspaces"]:
            if listed.get("tags", {}).get(MARK) == mark_of(scope.urn):
                yield listed["workspaceId"]
        if not page.get("nextToken"):
            return
        more = {"nextToken": page["nextToken"]}


WORKSPACE = ResourceType(
    name="aws:amp/workspace:Workspace",
    service="amp",
    style=MemberStyle.CAMEL,
    inputs=(text("alias"), text("kmsKeyArn", replace=True)),
    outputs=(text("arn"), text("prometheusEndpoint")),
    tagging=map_tags("resourceArn"),
    create=Call("create_workspace"),
    idempotency_member="clientToken",
    id="workspaceId",
    reread=True,
    ready=Wait("status.statusCode", frozenset({"ACTIVE"}), frozenset({"CREATION_FAILED"})),
    read=Call("describe_workspace", _WORKSPACE, "workspace"),
    missing=_NOT_FOUND,
    updates=(Update(frozenset({"alias"}), Call("update_workspace_alias", _WORKSPACE)),),
    delete=Call("delete_workspace", _WORKSPACE),
    find=FindListed(_marked),
)

TYPES = (WORKSPACE,)
