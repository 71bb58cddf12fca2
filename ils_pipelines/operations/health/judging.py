"""Findings about the health of components, as most probes make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import Record

if TYPE_CHECKING:
    from collections.abc import Iterable


def finding(
    component: str,
    expected: str,
    found: str,
    remedy: str,
    status: HealthStatus = HealthStatus.HEALTHY,
) -> HealthFinding:
    """A finding; what is healthy needs no remedy."""
    return HealthFinding(component, status, expected, found, "" if status is HealthStatus.HEALTHY else remedy)


@dataclass(frozen=True)
class States:
    """What the states that an API tells of a kind of thing mean."""

    good: str
    """The one state in which nothing is to be done."""
    working: frozenset[str] = frozenset()
    """States in which it serves all the same, or is about to: degraded. Any other is unhealthy."""

    def status(self, state: str) -> HealthStatus:
        if state == self.good:
            return HealthStatus.HEALTHY
        return HealthStatus.DEGRADED if state in self.working else HealthStatus.UNHEALTHY


def judged(
    component: str,
    record: Record | None,
    key: str,
    states: States,
    remedy: str,
    detail: Callable[[Record], str] = lambda _record: "",
) -> HealthFinding:
    """A finding about something that has a state, or that is not there."""
    if record is None:
        return finding(component, states.good, "not there", remedy, HealthStatus.UNHEALTHY)
    state = str(record.get(key, "no state"))
    more = detail(record)
    return finding(component, states.good, f"{state}: {more}" if more else state, remedy, states.status(state))


def share(
    component: str, what: str, ready: int, wanted: int, remedy: str, reasons: Iterable[str] = ()
) -> HealthFinding:
    """A finding about things of which some are ready: none is unhealthy, too few is degraded."""
    status = HealthStatus.HEALTHY
    if ready < wanted:
        status = HealthStatus.DEGRADED if ready else HealthStatus.UNHEALTHY
    found = f"{ready} of {wanted} {what}"
    if why := "; ".join(reasons):
        found += f" ({why})"
    return finding(component, f"{wanted} {what}", found, remedy, status)
