"""Limit ranges: defaults given to containers, and bounds that containers and pods keep to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ils_sandbox.kubernetes import quantities
from ils_sandbox.kubernetes.kinds import LIMIT_RANGE, POD
from ils_sandbox.kubernetes.pod_resources import LIMITS, REQUESTS, shown, totals
from ils_sandbox.kubernetes.statuses import forbidden
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of

ANNOTATION = "kubernetes.io/limit-ranger"
_CONTAINER = "Container"

Amounts = Mapping[str, Decimal]


def give_defaults(cluster: Cluster, pod: Object) -> None:
    """Give the namespace's defaults to the containers of a new pod, in place."""
    for limit_range in cluster.objects(LIMIT_RANGE, namespace_of(pod)):
        notes = list(_give_defaults(limit_range, pod["spec"]))
        if notes:
            annotations = pod["metadata"].setdefault("annotations", {})
            annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(notes)


def check_limit_ranges(cluster: Cluster, pod: Object) -> None:
    """Raise a 403 that lists every bound of the first limit range that the pod breaks."""
    for limit_range in cluster.objects(LIMIT_RANGE, namespace_of(pod)):
        broken = [why for item in limit_range["spec"]["limits"] for why in _broken(item, pod)]
        if broken:
            raise forbidden(POD, name_of(pod), broken[0] if len(broken) == 1 else f"[{', '.join(broken)}]")


def _give_defaults(limit_range: Object, spec: Object) -> Iterator[str]:
    defaults: dict[str, dict[str, str]] = {REQUESTS: {}, LIMITS: {}}
    for item in limit_range["spec"]["limits"]:
        if item["type"] == _CONTAINER:
            defaults[REQUESTS] |= item.get("defaultRequest", {})
            defaults[LIMITS] |= item.get("default", {})
    for group, place in (("containers", "container"), ("initContainers", "init container")):
        for container in spec.get(group, ()):
            for kind in (REQUESTS, LIMITS):
                if given := _complete(container, kind, defaults[kind]):
                    yield f"{', '.join(given)} {kind.removesuffix('s')} for {place} {container['name']}"


def _complete(container: Object, kind: str, defaults: Mapping[str, str]) -> list[str]:
    """Set the amounts of one container that are not given, in place. Returns their resources."""
    amounts = container.setdefault("resources", {}).get(kind, {})
    missing = {name: amount for name, amount in defaults.items() if name not in amounts}
    if missing:
        container["resources"][kind] = {**amounts, **missing}
    return sorted(missing)


def _broken(item: Mapping[str, Any], pod: Object) -> Iterator[str]:
    if item["type"] == "Pod":
        yield from _outside(item, "Pod", totals(pod, REQUESTS), totals(pod, LIMITS))
    elif item["type"] == _CONTAINER:
        for group in ("initContainers", "containers"):
            for container in pod["spec"].get(group, ()):
                resources = container.get("resources", {})
                requests, limits = (
                    {name: quantities.parse(amount) for name, amount in resources.get(kind, {}).items()}
                    for kind in (REQUESTS, LIMITS)
                )
                yield from _outside(item, _CONTAINER, requests, limits)


def _outside(item: Mapping[str, Any], what: str, requests: Amounts, limits: Amounts) -> Iterator[str]:
    """Which bounds the amounts break, worded as the API server words it."""
    for name, text in sorted(item.get("min", {}).items()):
        least, found = quantities.parse(text), f"minimum {name} usage per {what} is {text}"
        if name not in requests:
            yield f"{found}.  No request is specified"
        elif requests[name] < least:
            yield f"{found}, but request is {shown(requests[name], text)}"
        elif name in limits and limits[name] < least:
            yield f"{found}, but limit is {shown(limits[name], text)}"
    for name, text in sorted(item.get("max", {}).items()):
        most, found = quantities.parse(text), f"maximum {name} usage per {what} is {text}"
        if name not in limits:
            yield f"{found}.  No limit is specified"
        elif limits[name] > most:
            yield f"{found}, but limit is {shown(limits[name], text)}"
        elif name in requests and requests[name] > most:
            yield f"{found}, but request is {shown(requests[name], text)}"
    for name, text in sorted(item.get("maxLimitRequestRatio", {}).items()):
        found = f"{name} max limit to request ratio per {what} is {text}"
        if not requests.get(name):
            yield f"{found}, but no request is specified or request is 0"
        elif not limits.get(name):
            yield f"{found}, but no limit is specified or limit is 0"
        elif (ratio := limits[name] / requests[name]) > quantities.parse(text):
            yield f"{found}, but provided ratio is {float(ratio):f}"
