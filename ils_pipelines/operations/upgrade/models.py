"""Where a cluster is, where it is to be, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ils_pipelines.errors import IlsError
from ils_pipelines.operations.findings import Finding, Urgency
from ils_pipelines.settings.cluster import minor

if TYPE_CHECKING:
    from ils_pipelines.settings.environment import Environment


class UpgradeRefused(IlsError):
    """Something speaks against it. Nothing was changed."""

    def __init__(self, environment: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            f"{environment} is not upgraded, and nothing was changed:\n" + "\n".join(f"  {each}" for each in problems)
        )


def refuse_for(environment: Environment, blocking: Iterable[Finding], *, due: bool, confirmed: str) -> None:
    """Raise `UpgradeRefused` with everything that speaks against an upgrade, a missing confirmation included."""
    problems = [f"{each.subject}: expected {each.expected}, found {each.found}. {each.remedy}" for each in blocking]
    if due and environment.requires_approval and confirmed != environment.name:
        problems.append(f"{environment.name} asks for approval: say its name once more, --confirm {environment.name}")
    if problems:
        raise UpgradeRefused(environment.name, problems)


class UpgradeStopped(IlsError):
    """Something went wrong on the way. The next upgrade goes on from there."""


@dataclass(frozen=True)
class Standing:
    """Of a cluster that is there."""

    cluster: str
    version: str
    nodes: Mapping[str, str]
    """Version by node group."""
    status: Mapping[str, str]
    """EKS's word for the cluster and each node group, by name."""

    @property
    def oldest_nodes(self) -> str:
        return min(self.nodes.values(), key=minor, default=self.version)


@dataclass(frozen=True)
class Step:
    """One minor version: the control plane, the add-ons, then the nodes."""

    version: str
    control_plane: bool
    """Whether that has still to be brought there."""


def path(standing: Standing, wanted: str) -> tuple[Step, ...]:
    """The steps from where the cluster is to `wanted`; none when it is there with all its nodes.

    A step that was interrupted comes first: nodes that are behind are brought to their control plane before that goes on.
    """
    series = wanted.rpartition(".")[0]
    steps = [
        Step(f"{series}.{number}", control_plane=True)
        for number in range(minor(standing.version) + 1, minor(wanted) + 1)
    ]
    if minor(standing.oldest_nodes) < minor(standing.version):
        steps.insert(0, Step(standing.version, control_plane=False))
    return tuple(steps)


@dataclass(frozen=True)
class Preflight:
    """What was looked at before anything is changed."""

    standing: Standing
    wanted: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.urgency is Urgency.CRITICAL)
