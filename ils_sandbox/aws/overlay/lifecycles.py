"""Intermediate states: what is being created, changed or deleted, and for how much longer.

Nothing runs in the background. A phase has a beginning and a length in AWS minutes; whoever describes the resource asks
whether it is over. So changing the sandbox's clock acts at once on what is under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ils_sandbox.aws.settings import CurrentSettings


@dataclass(frozen=True)
class Phase:
    """One phase of one resource."""

    name: str
    """The status that AWS shows meanwhile, such as `creating`."""
    since: float
    """Seconds since the epoch."""
    minutes: float


class Lifecycles:
    """The phases under way. Keys are ARNs or whatever else names a resource uniquely."""

    def __init__(
        self,
        phases: MutableMapping[str, Phase],
        settings: CurrentSettings,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._phases = phases
        self._settings = settings
        self._now = now

    def clock(self) -> datetime:
        """What time it is where maintenance windows open. UTC."""
        return datetime.fromtimestamp(self._now(), UTC) + timedelta(minutes=self._settings.value.minutes_ahead)

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._now()

    def copied(self, since: float) -> bool:
        """Whether S3 is done with what it began to copy then."""
        return self._now() - since >= self._settings.value.copy_seconds

    def token_changed(self, since: float) -> bool:
        """Whether the nodes of a cache know of the change of token that was asked for then."""
        return self._now() - since >= self._settings.value.token_seconds

    def offers(self, version: str) -> bool:
        """Whether RDS makes clusters of that version still."""
        return version not in self._settings.value.withdrawn

    def begin(self, key: str, name: str, minutes: float) -> None:
        """Let a phase begin; one that is under way for the same resource is over."""
        self._phases[key] = Phase(name, self._now(), minutes)

    def phase(self, key: str) -> str | None:
        """The name of the phase under way; None when there is none. Once over, a phase does not come back."""
        phase = self._phases.get(key)
        if phase is None:
            return None
        if self._now() - phase.since < phase.minutes * self._settings.value.seconds_per_minute:
            return phase.name
        del self._phases[key]
        return None

    def forget(self, key: str) -> None:
        """The resource is gone."""
        self._phases.pop(key, None)
