"""What a request to a cluster asks for: its path, its verb, its parameters and its body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from starlette.requests import Request

from ils_sandbox.kubernetes.custom_kinds import resource_of
from ils_sandbox.kubernetes.kinds import BY_RESOURCE, NAMESPACE, PROXY, Kind
from ils_sandbox.kubernetes.statuses import bad_request, not_acceptable, unsupported_media_type
from ils_sandbox.kubernetes.store import Cluster

JSON = "application/json"
YAML = "application/yaml"
BODY_TYPES = (JSON, YAML)

# As Go's strconv.ParseBool, which the API server reads parameters with.
_BOOLEANS = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True)
_BOOLEANS |= dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False)

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class Target:
    """The resource a path names. `name` is empty for a collection."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watch_path: bool = False
    """Whether it is of the old form `/api/v1/watch/...`."""
    path: str = ""
    """What follows `proxy`: whom the request is passed on to is asked for it."""

    @property
    def resource(self) -> str:
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


def parse_target(path: str, cluster: Cluster | None = None) -> Target | None:
    """The resource of a path such as `apis/apps/v1/namespaces/x/deployments/y/scale`; None when there is none.

    `cluster` is the one whose custom kinds are resources as well.
    """
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"]:
        group, rest = "", parts[1:]
    elif parts[:1] == ["apis"] and len(parts) > 1:
        group, rest = parts[1], parts[2:]
    else:
        return None
    if not rest:
        return None
    version, *rest = rest
    watching = rest[:1] == ["watch"]
    rest = rest[1:] if watching else rest
    namespace = ""
    namespace_own = len(rest) == 3 and rest[2] in NAMESPACE.subresources
    if rest[:1] == ["namespaces"] and len(rest) > 2 and not namespace_own:
        namespace, rest = rest[1], rest[2:]
    proxied = len(rest) > 3 and rest[2] == PROXY
    if not rest or (len(rest) > 3 and not proxied):
        return None
    kind = BY_RESOURCE.get((group, version, rest[0]))
    if kind is None and cluster is not None:
        kind = resource_of(cluster, group, version, rest[0])
    if kind is None or (namespace and not kind.namespaced):
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if (subresource and not kind.has(subresource)) or (name and kind.namespaced and not namespace):
        return None
    return Target(
        kind, namespace, name, subresource, watching, "/" + "/".join(rest[3:]) if subresource == PROXY else ""
    )


class Parameters:
    """The query of a request, read as Go reads it."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query

    def text(self, name: str) -> str:
        return self._query.get(name, "")

    def flag(self, name: str) -> bool:
        value = self._query.get(name, "")
        if value == "":
            return False
        if value not in _BOOLEANS:
            raise bad_request(f'strconv.ParseBool: parsing "{value}": invalid syntax ({name})')
        return _BOOLEANS[value]

    def number(self, name: str) -> int | None:
        value = self._query.get(name, "")
        if value == "":
            return None
        if not value.lstrip("-").isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{value}": invalid syntax ({name})')
        return int(value)

    def dry_run(self) -> bool:
        value = self._query.get("dryRun", "")
        if value not in ("", "All"):
            raise bad_request(f'invalid dryRun: Unsupported value: "{value}": supported values: "All"')
        return value == "All"


def verb_of(method: str, target: Target, parameters: Parameters) -> str:
    """The verb as Kubernetes names it: get, list, watch, create, update, patch, delete, deletecollection."""
    if method in ("GET", "HEAD"):
        if target.watch_path or parameters.flag("watch"):
            return "watch"
        return "get" if target.name else "list"
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return _VERBS.get(method, method.lower())


def media_type(request: Request) -> str:
    return request.headers.get("content-type", JSON).partition(";")[0].strip().lower()


async def body_of(request: Request, accepted: tuple[str, ...] = BODY_TYPES) -> Any:
    """The parsed body; None when there is none. Raises a 415 for another media type, a 400 when it cannot be parsed."""
    raw = await request.body()
    found = media_type(request)
    if not raw:
        return None
    if found not in accepted:
        raise unsupported_media_type(found, accepted)
    try:
        return yaml.load(raw, yaml.CSafeLoader) if found.endswith("yaml") else json.loads(raw)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the body of the request cannot be parsed: {error}") from error


def accepts(request: Request) -> list[str]:
    """Media types of the Accept header, without spaces, in the order given."""
    header = request.headers.get("accept", "*/*")
    return [part.replace(" ", "") for part in header.split(",") if part.strip()]


def check_accepts_json(request: Request) -> None:
    """Raise a 406 when the client takes nothing that we can send."""
    for accepted in accepts(request):
        if accepted.partition(";")[0] in (JSON, "application/*", "*/*"):
            return
    raise not_acceptable((JSON,))


def wants_table(request: Request) -> bool:
    """Whether the first choice is a table, as `kubectl get` asks for it."""
    first = accepts(request)[:1]
    return bool(first) and "as=Table" in first[0]


def field_manager(request: Request, parameters: Parameters) -> str:
    """The manager named by the request, else the program at the beginning of its User-Agent."""
    agent = request.headers.get("user-agent", "unknown").partition("/")[0]
    return parameters.text("fieldManager") or agent or "unknown"
