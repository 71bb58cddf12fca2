"""What the probes of one layer see: the live environment, and what its layers handed out when they were provisioned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.live import ApiUnavailable, Live, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ils_pipelines.engine.models import Outputs
    from ils_pipelines.settings.environment import Environment


@dataclass(frozen=True)
class View:
    """May be used from threads. Raises `ApiUnavailable` for whatever does not answer."""

    live: Live
    outputs: Outputs

    @property
    def environment(self) -> Environment:
        return self.live.environment

    def in_region(self, region: str) -> View:
        """The same account as seen from another region."""
        return View(self.live.in_region(region), self.outputs)

    def output(self, name: str) -> Any:
        """An output of the layer that the probe reads."""
        if name not in self.outputs:
            raise ApiUnavailable(f"the layer has no output {name}: provision it with this version once")
        return self.outputs[name].value

    def described(self, service: str, operation: str, member: str, **parameters: Any) -> Record | None:
        """The one thing that a describe call is asked for; None when there is no such thing."""
        answer = self.live.find(service, operation, **parameters)
        found = None if answer is None else answer.get(member)
        if isinstance(found, list):
            return found[0] if found else None
        return found


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
