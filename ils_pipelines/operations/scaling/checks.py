"""Why a scaling is refused: each check gives a sentence for what would go wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ils_pipelines.operations.scaling.capacity import Room
from ils_pipelines.operations.scaling.models import NodeBounds, Scaling
from ils_pipelines.settings.app import App


@dataclass(frozen=True)
class Found:
    """What there is now."""

    replicas: int
    bounds: tuple[int, int] | None
    """Of the autoscaler; None where there is none."""
    min_available: int | None
    """Of the disruption budget; None where there is none."""
    groups: Mapping[str, NodeBounds]
    """Of the node groups, with where they are."""


def pod_problems(environment: str, app: App, wanted: Scaling, found: Found) -> Iterator[str]:
    """Of what needs no node to be looked at."""
    fewest, most = _bounds(wanted, found)
    if wanted.replicas and found.bounds is not None and found.replicas:
        yield (
            f"the autoscaler says how many pods there are ({found.bounds[0]} to {found.bounds[1]}) and would undo "
            f"{wanted.replicas}: change its bounds, ils scale {environment} --min … --max …"
        )
    if (wanted.fewest is not None or wanted.most is not None) and found.bounds is None:
        yield f"there is no autoscaler to bound: turn app.autoscaling.enabled on in {environment}, or use --replicas"
    if wanted.fewest is not None and wanted.fewest < 1:
        yield f"expected a --min of 1 or more, found {wanted.fewest}"
    if found.bounds is not None and fewest > most:
        yield f"expected --min to be at most --max, found {fewest} and {most}"
    least = fewest if found.bounds is not None and wanted.replicas is None else wanted.replicas
    if least and found.min_available is not None and least <= found.min_available:
        yield (
            f"{least} pods are all that the disruption budget keeps ({found.min_available}): no node could be drained any "
            f"more. Use {found.min_available + 1} or more, or 0 for none"
        )
    largest = max(wanted.replicas or 0, most if found.bounds is not None else 0)
    room = app.quota.room_for(app.resources)
    if largest + app.rollout.max_surge > room:
        yield (
            f"the namespace's quota has room for {room} pods, which does not hold {largest} and {app.rollout.max_surge} "
            "more during a rollout: raise app.quota, and release it"
        )


def _bounds(wanted: Scaling, found: Found) -> tuple[int, int]:
    now = found.bounds or (1, 1)
    return (
        now[0] if wanted.fewest is None else wanted.fewest,
        now[1] if wanted.most is None else wanted.most,
    )


def node_problems(wanted: Scaling, found: Found, rooms: tuple[Room, ...]) -> Iterator[str]:
    """Of the bounds of node groups, and of the pods that would find no node any more."""
    for group, bounds in wanted.nodes.items():
        if group not in found.groups:
            yield f"there is no node group {group}: there are {', '.join(found.groups) or 'none'}"
        elif bounds.most < 1 or not bounds.fewest <= bounds.most:
            yield f"node group {group}: expected fewest <= most and most >= 1, found {bounds.fewest} and {bounds.most}"
        elif bounds.desired is not None and not bounds.fewest <= bounds.desired <= bounds.most:
            yield f"node group {group}: expected {bounds.fewest} to {bounds.most} nodes, found {bounds.desired}"
    pods = found.replicas if wanted.replicas is None else wanted.replicas
    per_node: Counter[str] = Counter()
    nodes: Counter[str] = Counter()
    for room in rooms:
        nodes[room.group] += 1
        per_node[room.group] += room.pods
    left = 0
    shrinking = False
    for group, count in nodes.items():
        after = count
        if group in wanted.nodes and group in found.groups:
            after = desired_of(wanted.nodes[group], found.groups[group])
        shrinking = shrinking or after < count
        left += per_node[group] * after // count
    if shrinking and left < pods:
        yield (
            f"the nodes that are left have room for {left} pods of the application, which has {pods}: keep more nodes, or "
            "scale the pods down as well"
        )


def desired_of(bounds: NodeBounds, now: NodeBounds) -> int:
    """Where a group is to be: as asked for, else as near to where it is as its new bounds allow."""
    if bounds.desired is not None:
        return bounds.desired
    return min(max(now.desired or 0, bounds.fewest), bounds.most)


def room_problems(environment: str, pods: int, rooms: tuple[Room, ...]) -> Iterator[str]:
    """Of pods on the nodes that there are."""
    room = sum(each.pods for each in rooms)
    if pods > room:
        yield (
            f"{len(rooms)} nodes have room for {room} pods of the application, not for {pods}: give the cluster more nodes "
            f"first, ils scale {environment} --nodes GROUP=FEWEST:MOST:NOW"
        )
