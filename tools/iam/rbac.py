"""Rules of Kubernetes for each family of jobs, from the requests that were recorded and the table beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ils_pipelines.release.names import CONFIG_NAME, SECRET_NAME
from tools.iam.kubernetes_calls import ENVIRONMENT, Request

Recorded = Mapping[str, Mapping[str, Mapping[str, list[str]]]]
"""Verbs by resource (`apps/deployments`), by namespace, by family: what `listed` makes."""
_RBAC = "rbac.authorization.k8s.io"
_HOME = f"ils-{ENVIRONMENT}"

_UPGRADE = "looked at before an upgrade, or a change of the number of pods; no recorded life has one"

_ROLES = "whoever makes a role must have what it gives: the application's own, which a drill restores"

BESIDE: Mapping[str, Mapping[Request, str]] = {
    "drill": {
        Request("", "configmaps", "get", "", CONFIG_NAME): _ROLES,
        Request("", "secrets", "get", "", SECRET_NAME): _ROLES,
    },
    "provision": {
        Request("batch", "cronjobs", "list", ""): _UPGRADE,
        Request("discovery.k8s.io", "endpointslices", "list", ""): _UPGRADE,
        Request("flowcontrol.apiserver.k8s.io", "flowschemas", "list", ""): _UPGRADE,
        Request("flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations", "list", ""): _UPGRADE,
        Request("node.k8s.io", "runtimeclasses", "list", ""): _UPGRADE,
        Request("storage.k8s.io", "csistoragecapacities", "list", ""): _UPGRADE,
    },
}
"""What is allowed and no recorded life shows, with the reason."""


def listed(seen: Mapping[str, Iterable[Request]]) -> dict[str, dict[str, dict[str, list[str]]]]:
    """Requests as they are kept in a file."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for family in sorted(seen):
        for each in sorted(seen[family]):
            resource = f"{each.group}/{each.resource}" if each.group else each.resource
            found.setdefault(family, {}).setdefault(each.namespace, {}).setdefault(resource, []).append(each.verb)
    return found


def read(recorded: Recorded) -> dict[str, set[Request]]:
    """What `listed` was made from. A subresource follows its resource, so that a group has a dot or one of few names."""
    return {
        family: {
            Request(*_group_and(resource), verb, namespace)
            for namespace, resources in places.items()
            for resource, verbs in resources.items()
            for verb in verbs
        }
        for family, places in recorded.items()
    }


def _group_and(resource: str) -> tuple[str, str]:
    first, _, rest = resource.partition("/")
    grouped = "." in first or first in ("apps", "autoscaling", "batch", "policy")
    return (first, rest) if grouped else ("", resource)


def documents(recorded: Mapping[str, set[Request]]) -> list[dict[str, Any]]:
    """The objects, in the order in which they are applied: a role for each family in each place, and who has it."""
    wanted = {family: requests | set(BESIDE.get(family, ())) for family, requests in recorded.items()}
    places = sorted({each.namespace for requests in wanted.values() for each in requests if each.namespace})
    found: list[dict[str, Any]] = []
    for family, requests in wanted.items():
        anywhere = {each for each in requests if not each.namespace}
        for namespace in ("", *places):
            here = {each for each in requests if each.namespace == namespace} if namespace else anywhere
            found += _role(family, namespace, [each for each in here if not namespace or not _held(each, anywhere)])
    made = sorted({each["metadata"].get("namespace", "") for each in found} - {""})
    return [*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in made), *found]


def _held(request: Request, anywhere: set[Request]) -> bool:
    return Request(request.group, request.resource, request.verb, "") in anywhere


def _role(family: str, namespace: str, requests: Iterable[Request]) -> list[dict[str, Any]]:
    rules = _rules(requests)
    if not rules:
        return []
    kind, metadata = ("Role", {"namespace": namespace}) if namespace else ("ClusterRole", {})
    named = {"name": f"ils-{family}", **metadata}
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": named, "rules": rules},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": f"{kind}Binding",
            "metadata": named,
            "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": f"ils-{family}"},
            "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": f"ils:{family}"}],
        },
    ]


def _rules(requests: Iterable[Request]) -> list[dict[str, Any]]:
    """Resources of a group that are asked the same are in one rule."""
    verbs: dict[tuple[str, str, str], set[str]] = {}
    for each in requests:
        verbs.setdefault((each.group, each.name, each.resource), set()).add(each.verb)
    together: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (group, name, resource), asked in sorted(verbs.items()):
        together.setdefault((group, name, tuple(sorted(asked))), []).append(resource)
    return [
        {
            "apiGroups": [group],
            "resources": resources,
            **({"resourceNames": [name]} if name else {}),
            "verbs": list(asked),
        }
        for (group, name, asked), resources in sorted(together.items())
    ]
