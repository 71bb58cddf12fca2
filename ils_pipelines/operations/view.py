"""What those who look at one layer see: the live environment, and what its layers handed out when provisioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ils_pipelines.operations.live import ApiUnavailable, Live, Record

if TYPE_CHECKING:
    from ils_pipelines.engine.models import Outputs
    from ils_pipelines.settings.environment import Environment
    from ils_pipelines.targets.protocol import Target


@dataclass(frozen=True)
class View:
    """May be used from threads. Raises `ApiUnavailable` for whatever does not answer."""

    live: Live
    outputs: Outputs
    target: Target

    @property
    def environment(self) -> Environment:
        return self.live.environment

    def in_region(self, region: str) -> View:
        """The same account as seen from another region."""
        return View(self.live.in_region(region), self.outputs, self.target)

    def output(self, name: str) -> Any:
        """An output of the layer that is read."""
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
