"""What somebody wants there to be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment

_NODES = re.compile(r"(?P<group>[a-z0-9][-a-z0-9]*)=(?P<fewest>\d+):(?P<most>\d+)(:(?P<desired>\d+))?")


class ScalingRefused(IlsError):
    """What was asked for would do harm or cannot be. Nothing was changed."""

    def __init__(self, environment: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"{environment} is not scaled, and nothing was changed:\n"
            + "\n".join(f"  {problem}" for problem in problems)
        )


@dataclass(frozen=True)
class NodeBounds:
    """Of one node group. `desired` is where it is to be now; by default as near to where it is as the bounds allow."""

    fewest: int
    most: int
    desired: int | None = None


@dataclass(frozen=True)
class Scaling:
    """Everything that is None or missing stays as it is."""

    replicas: int | None = None
    fewest: int | None = None
    most: int | None = None
    nodes: Mapping[str, NodeBounds] = field(default_factory=dict)
    waking: int | None = None
    """Pods to start with where there are none now; an autoscaler leaves an application of no pods alone."""

    @property
    def pods(self) -> bool:
        """Whether it is about pods at all."""
        return any(each is not None for each in (self.replicas, self.fewest, self.most, self.waking))

    @property
    def empty(self) -> bool:
        return not self.pods and not self.nodes


def parse_nodes(texts: Sequence[str]) -> dict[str, NodeBounds]:
    """`general=2:5` or `general=2:5:3`: fewest, most and, if given, how many now. Raises `ScalingRefused`."""
    found = {}
    for text in texts:
        match = _NODES.fullmatch(text)
        if match is None:
            raise ScalingRefused(
                "the environment", [f"expected GROUP=FEWEST:MOST or GROUP=FEWEST:MOST:NOW for nodes, found {text!r}"]
            )
        desired = match["desired"]
        found[match["group"]] = NodeBounds(
            int(match["fewest"]), int(match["most"]), None if desired is None else int(desired)
        )
    return found


def as_in_file(environment: Environment) -> Scaling:
    """What the environment's file says."""
    scaling = environment.app.autoscaling
    return Scaling(
        replicas=None if scaling.enabled else environment.app.replicas,
        waking=scaling.min_replicas if scaling.enabled else None,
        fewest=scaling.min_replicas if scaling.enabled else None,
        most=scaling.max_replicas if scaling.enabled else None,
        nodes={
            group.name: NodeBounds(group.min_size, group.max_size, group.desired_size)
            for group in environment.cluster.node_groups
        },
    )


def outside_office_hours(environment: Environment) -> Scaling:
    """No pods, and the nodes that the file leaves."""
    outside = environment.app.office_hours.nodes_outside
    return Scaling(
        replicas=0,
        nodes={
            group.name: NodeBounds(min(outside, group.max_size), group.max_size, min(outside, group.max_size))
            for group in environment.cluster.node_groups
        },
    )
