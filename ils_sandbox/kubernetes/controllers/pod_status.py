"""The status of a pod, from those of its containers."""

from __future__ import annotations

from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.controllers.ownership import condition
from ils_sandbox.kubernetes.store import Object

Statuses = list[dict[str, Any]]

SUCCEEDED = "Succeeded"
FAILED = "Failed"
FINISHED = (SUCCEEDED, FAILED)
_OWN_CONDITIONS = (
    "PodReadyToStartContainers",
    "Initialized",
    "Ready",
    "ContainersReady",
    "PodScheduled",
)


def finished(pod: Object) -> bool:
    return pod["status"]["phase"] in FINISHED


def pod_status(pod: Object, init: Statuses, containers: Statuses, host_ip: str) -> dict[str, Any]:
    """The status that follows from the containers'. The pod's own address is left as it is."""
    status = {**pod["status"]}
    status["phase"] = phase(pod, init, containers)
    status.setdefault("startTime", clock.now())
    status["containerStatuses"] = containers
    if init:
        status["initContainerStatuses"] = init
    status["hostIP"] = host_ip
    status["hostIPs"] = [{"ip": host_ip}]
    status["conditions"] = _conditions(pod, status["phase"], init, containers)
    return status


def phase(pod: Object, init: Statuses, containers: Statuses) -> str:
    policy = pod["spec"]["restartPolicy"]
    if policy == "Never" and any(_exit_code(found) for found in init):
        return FAILED
    codes = [_exit_code(found) for found in containers]
    if policy != "Always" and None not in codes:
        if not any(codes):
            return SUCCEEDED
        if policy == "Never":
            return FAILED
    started = any("waiting" not in found["state"] or found["restartCount"] for found in containers)
    return "Running" if started else "Pending"


def _exit_code(status: dict[str, Any]) -> int | None:
    """None for a container that has not ended."""
    ended = status["state"].get("terminated")
    return None if ended is None else int(ended["exitCode"])


def _conditions(pod: Object, found_phase: str, init: Statuses, containers: Statuses) -> Statuses:
    unready = [container["name"] for container in containers if not container["ready"]]
    initialized = all(_exit_code(found) == 0 or found.get("started") for found in init)
    why: dict[str, str] = {}
    if found_phase in FINISHED:
        why = {"reason": "PodCompleted" if found_phase == SUCCEEDED else "PodFailed"}
    elif unready:
        listed = " ".join(unready)
        why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{listed}]"}
    ready = "False" if why else "True"
    wanted: list[dict[str, Any]] = [
        {"type": "PodReadyToStartContainers", "status": "True"},
        {"type": "Initialized", "status": "True" if initialized else "False"},
        {"type": "Ready", "status": ready, **why},
        {"type": "ContainersReady", "status": ready, **why},
        {"type": "PodScheduled", "status": "True"},
    ]
    others = [found for found in pod["status"].get("conditions", ()) if found["type"] not in _OWN_CONDITIONS]
    return [*others, *(_dated(pod, found) for found in wanted)]


def _dated(pod: Object, found: dict[str, Any]) -> dict[str, Any]:
    before = condition(pod, found["type"])
    same = before is not None and before["status"] == found["status"]
    return {**found, "lastTransitionTime": before["lastTransitionTime"] if before and same else clock.now()}
