"""What the server says about itself: version, groups, resources, and the OpenAPI documents that kubectl asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from ils_sandbox.kubernetes.kinds import EVICTION, PROXY, SCALE, Kind
from ils_sandbox.kubernetes.schema import Schema, definitions

Kinds = Sequence[Kind]
"""Those that a cluster serves."""

_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_SUBRESOURCE_VERBS = {
    "log": ("get",),
    EVICTION: ("create",),
    PROXY: ("create", "delete", "get", "patch", "update"),
}
_SCHEMAS = "#/components/schemas/"


def version(minor_version: str) -> dict[str, str]:
    """`/version` of a cluster of a version such as `1.35`."""
    major, minor = minor_version.split(".")[:2]
    return {
        "major": major,
        "minor": minor,
        "gitVersion": f"v{major}.{minor}.0-ils-sandbox",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


def core_versions() -> dict[str, Any]:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(kinds: Kinds) -> dict[str, Any]:
    names = dict.fromkeys(kind.group for kind in kinds if kind.group)
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, kinds) for name in names]}


def group(name: str, kinds: Kinds) -> dict[str, Any] | None:
    if not name or all(kind.group != name for kind in kinds):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, kinds)}


def _group(name: str, kinds: Kinds) -> dict[str, Any]:
    versions = dict.fromkeys(kind.version for kind in kinds if kind.group == name)
    listed = [{"groupVersion": f"{name}/{found}", "version": found} for found in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(group_version: str, kinds: Kinds) -> dict[str, Any] | None:
    """The resource list of `v1`, `apps/v1`, ...; None when there is no such version."""
    found = [kind for kind in kinds if kind.api_version == group_version]
    if not found:
        return None
    entries = [entry for kind in found for entry in _entries(kind)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}


def _entries(kind: Kind) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": list(_VERBS),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    entries = [entry]
    for subresource in kind.subresources:
        sub: dict[str, Any] = {
            "name": f"{kind.plural}/{subresource}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": list(_SUBRESOURCE_VERBS.get(subresource, ("get", "patch", "update"))),
        }
        if subresource == SCALE:
            sub |= {"group": "autoscaling", "version": "v1", "kind": "Scale"}
        if subresource == EVICTION:
            sub |= {"group": "policy", "version": "v1", "kind": "Eviction"}
        if subresource == PROXY:
            sub |= {"kind": f"{kind.kind}ProxyOptions"}
        entries.append(sub)
    return entries


def openapi_index(kinds: Kinds) -> dict[str, Any]:
    paths = dict.fromkeys(_openapi_path(kind) for kind in kinds)
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash=sandbox"} for path in paths}}


def _openapi_path(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.version}"


def openapi(path: str, minor_version: str, kinds: Kinds, schema: Callable[[Kind], Schema]) -> dict[str, Any] | None:
    """The OpenAPI v3 document of `api/v1`, `apis/apps/v1`, ...: its types, and the calls that kubectl looks for.

    `schema` gives the types of custom kinds, which are not among the published definitions.
    """
    served = tuple(kind for kind in kinds if _openapi_path(kind) == path)
    if not served:
        return None
    if any(kind.custom for kind in served):
        raw = {name: each for kind in served for name, each in schema(kind).definitions.raw.items()}
        return _document(path, minor_version, served, raw)
    return _published(path, minor_version, served)


@cache
def _published(path: str, minor_version: str, kinds: tuple[Kind, ...]) -> dict[str, Any]:
    return _document(path, minor_version, kinds, definitions(minor_version).raw)


def _document(path: str, minor_version: str, kinds: tuple[Kind, ...], raw: dict[str, Any]) -> dict[str, Any]:
    needed: dict[str, Any] = {}
    pending = [kind.definition for kind in kinds]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed[name] = _v3(raw[name], pending)
    paths: dict[str, Any] = {}
    for kind in kinds:
        scope = "/namespaces/{namespace}" if kind.namespaced else ""
        paths[f"/{path}{scope}/{kind.plural}/{{name}}"] = {"patch": _operation(kind), "put": _operation(kind)}
        paths[f"/{path}{scope}/{kind.plural}"] = {"post": _operation(kind)}
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": version(minor_version)["gitVersion"]},
        "paths": paths,
        "components": {"schemas": needed},
    }


def _operation(kind: Kind) -> dict[str, Any]:
    names = ("dryRun", "fieldManager", "fieldValidation")
    return {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    }


def _v3(node: Any, found: list[str]) -> Any:
    """A JSON schema as OpenAPI v3 wants it: one type instead of a list with null, references into the components."""
    if isinstance(node, list):
        return [_v3(item, found) for item in node]
    if not isinstance(node, dict):
        return node
    result: dict[str, Any] = {}
    for key, value in node.items():
        if key == "$ref":
            name = value.rsplit("/", 1)[-1]
            found.append(name)
            result["allOf"] = [{"$ref": _SCHEMAS + name}]
        elif key == "type" and isinstance(value, list):
            result["type"] = next(item for item in value if item != "null")
        elif key == "properties":
            result["properties"] = {name: _v3(item, found) for name, item in value.items()}
        else:
            result[key] = _v3(value, found)
    return result
