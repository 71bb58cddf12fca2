"""What can be changed about the server while it runs, through `PUT /_sandbox/settings`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Settings:
    latency_seconds: float = 0.0
    """Added to every call to a cluster."""
    seconds_per_minute: float = 0.0
    """As on the AWS server. Nothing of Kubernetes depends on it."""
    pod_ready_seconds: float = 0.2
    """From a pod's scheduling to its being ready."""
    pod_stop_seconds: float = 0.05
    """From a pod's deletion to its being gone."""

    def update(self, changes: Mapping[str, object]) -> None:
        """Change the given ones. Raises ValueError naming what was wrong and what is expected; then nothing changes."""
        names = [item.name for item in dataclasses.fields(self)]
        checked: dict[str, float] = {}
        for name, value in changes.items():
            if name not in names:
                raise ValueError(f"there is no setting {name!r}: expected one of {', '.join(names)}")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
                raise ValueError(f"{name} is a number of seconds from 0 to 3600, found {value!r}")
            checked[name] = float(value)
        for name, seconds in checked.items():
            setattr(self, name, seconds)
