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
    host_processes: bool = False
    """Whether commands of pods that run to an end (those of jobs) are run as processes of this machine."""
    pod_ready_seconds: float = 0.2
    """From a pod's scheduling to its being ready."""
    pod_stop_seconds: float = 0.05
    """From a pod's deletion to its being gone."""
    liveness_seconds: float = 0.5
    """From the start of a container whose liveness probe fails to its end."""
    backoff_seconds: float = 0.5
    """Before a container that failed is started again, or a job's failed pod replaced; doubles each time."""
    node_eviction_seconds: float = 2.0
    """From a node's ceasing to answer to the eviction of its pods; they tolerate it for five minutes elsewhere."""
    autoscaler_seconds: float = 0.5
    """Between two looks of the horizontal pod autoscalers at their metrics."""

    def update(self, changes: Mapping[str, object]) -> None:
        """Change the given ones. Raises ValueError naming what was wrong and what is expected; then nothing changes."""
        names = [item.name for item in dataclasses.fields(self)]
        checked: dict[str, float | bool] = {}
        for name, value in changes.items():
            if name not in names:
                raise ValueError(f"there is no setting {name!r}: expected one of {', '.join(names)}")
            checked[name] = _switch(name, value) if isinstance(getattr(self, name), bool) else _seconds(name, value)
        for name, new in checked.items():
            setattr(self, name, new)


def _switch(name: str, value: object) -> bool:
    if value in (True, False):
        return bool(value)
    raise ValueError(f"{name} is true or false, found {value!r}")


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise ValueError(f"{name} is a number of seconds from 0 to 3600, found {value!r}")
    return float(value)
