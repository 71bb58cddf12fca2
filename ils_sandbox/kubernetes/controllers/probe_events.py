"""What a kubelet says of probes that fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ils_sandbox.kubernetes.store import Object

UNHEALTHY = "Unhealthy"
_STATUSES = {"Readiness": 503, "Liveness": 500}
"""Of the answers that an HTTP probe gets."""


def probe_events(pod: Object, before: dict[str, Any] | None, status: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Reason and message of the events about one container, from what its status was and is now."""
    container = next(each for each in pod["spec"]["containers"] if each["name"] == status["name"])
    began = before is None or "running" not in before["state"]
    if began and "running" in status["state"] and not status["ready"]:
        yield UNHEALTHY, _failed(container, "Readiness")
    restarted = before is not None and before["restartCount"] < status["restartCount"]
    ended = status["lastState"].get("terminated", {})
    if restarted and "running" in before["state"] and ended.get("exitCode") == 137:  # type: ignore[index]
        yield UNHEALTHY, _failed(container, "Liveness")
        yield "Killing", f"Container {container['name']} failed liveness probe, will be restarted"


def _failed(container: Object, kind: str) -> str:
    probe = container.get(f"{kind.lower()}Probe", {})
    if "httpGet" in probe:
        return f"{kind} probe failed: HTTP probe failed with statuscode: {_STATUSES[kind]}"
    return f"{kind} probe failed: "
