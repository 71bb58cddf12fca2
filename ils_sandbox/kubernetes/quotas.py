"""Resource quotas: what every object of a namespace counts for, and whether one more fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.kinds import BY_RESOURCE, CONFIG_MAP, POD, RESOURCE_QUOTA, SECRET, SERVICE, Kind
from ils_sandbox.kubernetes.pod_resources import LIMITS, REQUESTS, Totals, shown, totals
from ils_sandbox.kubernetes.statuses import forbidden
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of

_ONE = Decimal(1)
_COUNTED_BY_NAME = (CONFIG_MAP, SECRET, RESOURCE_QUOTA)
"""Kinds that a quota may also name without `count/`; pods and services have rules of their own."""
_MUST_BE_GIVEN = frozenset({"cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"})
_COUNTED = "count/"


def check_quotas(cluster: Cluster, kind: Kind, obj: Object) -> None:
    """Raise a 403 that names the first quota of the namespace that `obj`, about to be created, would exceed."""
    for quota in cluster.objects(RESOURCE_QUOTA, namespace_of(obj)):
        hard = quota["spec"].get("hard", {})
        asked = {name: amount for name, amount in usage(kind, obj).items() if name in hard}
        if not _in_scope(quota, kind, obj):
            continue
        if kind is POD and (missing := dict(_not_given(hard, obj))):
            listed = "; ".join(f"{name} for: {','.join(containers)}" for name, containers in sorted(missing.items()))
            raise forbidden(kind, name_of(obj), f"failed quota: {name_of(quota)}: must specify {listed}")
        used = _used(cluster, quota)
        over = [name for name, amount in asked.items() if used[name] + amount > quantities.parse(hard[name])]
        if over:
            parts = [f"exceeded quota: {name_of(quota)}"]
            for label, amounts in (("requested", asked), ("used", used)):
                parts.append(f"{label}: {_listed({name: shown(amounts[name], hard[name]) for name in over})}")
            parts.append(f"limited: {_listed({name: hard[name] for name in over})}")
            raise forbidden(kind, name_of(obj), ", ".join(parts))


def quota_status(cluster: Cluster, quota: Object) -> Object:
    """The status of a quota: its hard limits and what is used of them."""
    hard = quota["spec"].get("hard", {})
    used = _used(cluster, quota)
    return {"hard": hard, "used": {name: shown(used[name], hard[name]) for name in hard}}


def usage(kind: Kind, obj: Object) -> Totals:
    """What an object counts for, by the names a quota uses."""
    counted = {f"{_COUNTED}{kind.qualified}": _ONE}
    if kind in _COUNTED_BY_NAME:
        counted[kind.plural] = _ONE
    elif kind is SERVICE:
        counted |= _service(obj)
    elif kind is POD and obj.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
        counted["pods"] = _ONE
        for name, amount in totals(obj, REQUESTS).items():
            counted[name] = counted[f"requests.{name}"] = amount
        for name, amount in totals(obj, LIMITS).items():
            counted[f"limits.{name}"] = amount
    return counted


def _service(service: Object) -> Totals:
    spec = service["spec"]
    balanced = spec.get("type") == "LoadBalancer"
    node_ports = len(spec.get("ports", ())) if balanced or spec.get("type") == "NodePort" else 0
    return {
        "services": _ONE,
        "services.loadbalancers": Decimal(balanced),
        "services.nodeports": Decimal(node_ports),
    }


def _used(cluster: Cluster, quota: Object) -> Totals:
    hard = quota["spec"].get("hard", {})
    used = dict.fromkeys(hard, Decimal(0))
    for kind in {kind for name in hard for kind in _kinds(name)}:
        for obj in cluster.objects(kind, namespace_of(quota)):
            if _in_scope(quota, kind, obj):
                for name, amount in usage(kind, obj).items():
                    if name in used:
                        used[name] += amount
    return used


def _kinds(resource: str) -> Iterator[Kind]:
    """Kinds that may count for a resource of a quota."""
    if resource.startswith(_COUNTED):
        plural, _, group = resource.removeprefix(_COUNTED).partition(".")
        yield from (kind for kind in BY_RESOURCE.values() if (kind.plural, kind.group) == (plural, group))
    elif resource.startswith("services"):
        yield SERVICE
    else:
        yield next((kind for kind in _COUNTED_BY_NAME if kind.plural == resource), POD)


def _in_scope(quota: Object, kind: Kind, obj: Object) -> bool:
    spec = quota["spec"]
    scopes = [*spec.get("scopes", ())]
    scopes += [found["scopeName"] for found in spec.get("scopeSelector", {}).get("matchExpressions", ())]
    if not scopes:
        return True
    if kind is not POD:
        return False
    ends = obj["spec"].get("activeDeadlineSeconds") is not None
    best_effort = obj.get("status", {}).get("qosClass") == "BestEffort"
    holds: Mapping[str, bool] = {
        "Terminating": ends,
        "NotTerminating": not ends,
        "BestEffort": best_effort,
        "NotBestEffort": not best_effort,
        "PriorityClass": bool(obj["spec"].get("priorityClassName")),
    }
    return all(holds.get(scope, False) for scope in scopes)


def _not_given(hard: Mapping[str, Any], pod: Object) -> Iterator[tuple[str, list[str]]]:
    """Resources that the quota makes every container name, with the containers that do not."""
    spec = pod["spec"]
    for name in sorted(_MUST_BE_GIVEN & hard.keys()):
        group, resource = (LIMITS if name.startswith("limits.") else REQUESTS), name.rpartition(".")[2]
        containers = [*spec["containers"], *spec.get("initContainers", ())]
        without = [item["name"] for item in containers if resource not in item.get("resources", {}).get(group, {})]
        if without:
            yield name, sorted(without)


def _listed(amounts: Mapping[str, str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in sorted(amounts))
