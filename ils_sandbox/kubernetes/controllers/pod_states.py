"""What state the containers of a pod are in after some time, as a table over what their images do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import clock, images
from ils_sandbox.kubernetes.images import Outcome
from ils_sandbox.kubernetes.kinds import CONFIG_MAP, SECRET, Kind
from ils_sandbox.kubernetes.store import Cluster, Object, namespace_of

CONFIG_ERROR = "CreateContainerConfigError"
CRASH_BACKOFF = "back-off 5m0s restarting failed container"
MOST_RESTARTS = 3
"""Before a container stays in its back-off."""
_KILLED = 137


@dataclass(frozen=True)
class Problem:
    """What holds a pod's containers back before they are created."""

    reason: str
    message: str


@dataclass(frozen=True)
class Progress:
    """How far a pod's containers are."""

    elapsed: float
    ready_after: float
    problem: Problem | None = None
    outcome_of: Callable[[str], Outcome] = images.outcome
    alive: float = 0.5
    """How long a container lives whose liveness probe fails."""


def container_statuses(pod: Object, progress: Progress) -> tuple[list[dict[str, Any]], float | None]:
    """The statuses of all containers, and in how many seconds the next of them changes."""
    before = {status["name"]: status for status in pod["status"].get("containerStatuses", ())}
    statuses = []
    waits = []
    for container in pod["spec"]["containers"]:
        status, wait = status_of(pod, container, progress)
        statuses.append(keep_times(before.get(container["name"]), status))
        if wait is not None:
            waits.append(wait)
    return statuses, min(waits, default=None)


def init_statuses(pod: Object, progress: Progress) -> list[dict[str, Any]]:
    """Init containers do their work while the others are being created."""
    before = {status["name"]: status for status in pod["status"].get("initContainerStatuses", ())}
    statuses = []
    for container in pod["spec"].get("initContainers", ()):
        if progress.problem:
            status = waiting(container, progress.problem.reason, progress.problem.message)
        elif progress.elapsed < progress.ready_after:
            status = waiting(container, "PodInitializing", "")
        elif container.get("restartPolicy") == "Always":
            status = base(container) | _running(container["image"]) | {"ready": True}
        else:
            ended = {"state": {"terminated": exited(0)}, "ready": True}
            status = base(container) | ended | _ran(container["image"])
        statuses.append(keep_times(before.get(container["name"]), status))
    return statuses


def status_of(pod: Object, container: Object, progress: Progress) -> tuple[dict[str, Any], float | None]:
    image = container["image"]
    outcome = progress.outcome_of(image)
    if progress.problem:
        return waiting(container, progress.problem.reason, progress.problem.message), None
    if outcome is Outcome.INVALID:
        why = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
        return waiting(container, "InvalidImageName", why), None
    left = progress.ready_after - progress.elapsed
    if left > 0:
        return waiting(container, "ContainerCreating", ""), left
    if outcome is Outcome.PULL_FAILS:
        error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        if left + progress.ready_after > 0:
            return waiting(container, "ErrImagePull", error), left + progress.ready_after
        return waiting(container, "ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {error}'), None
    restarts = pod["spec"]["restartPolicy"]
    if outcome is Outcome.CRASHES and restarts == "Never":
        return base(container) | {"state": {"terminated": exited(1)}, **_ran(image)}, None
    if outcome is Outcome.CRASHES:
        return _backing_off(pod, container, 1), None
    if outcome is Outcome.LIVENESS_FAILS and "livenessProbe" in container and restarts == "Always":
        return _killed_at_times(pod, container, -left, progress.alive)
    if outcome is Outcome.READY and restarts != "Always":
        left += progress.ready_after
        if left <= 0:
            return base(container) | {"state": {"terminated": exited(0)}, **_ran(image)}, None
        return base(container) | _running(image) | {"ready": True}, left
    return base(container) | _running(image) | {"ready": outcome is not Outcome.NEVER_READY}, None


def _backing_off(pod: Object, container: Object, code: int) -> dict[str, Any]:
    text = f"{CRASH_BACKOFF}={container['name']} pod={pod['metadata']['name']}_{namespace_of(pod)}"
    status = waiting(container, "CrashLoopBackOff", text)
    ended = {"restartCount": MOST_RESTARTS, "lastState": {"terminated": exited(code)}}
    return status | ended | _ran(container["image"])


def _killed_at_times(
    pod: Object, container: Object, elapsed: float, alive: float
) -> tuple[dict[str, Any], float | None]:
    """Started anew each time that its liveness probe has failed."""
    restarts = int(elapsed / alive) if alive > 0 else MOST_RESTARTS
    if restarts >= MOST_RESTARTS:
        return _backing_off(pod, container, _KILLED), None
    status = base(container) | _running(container["image"]) | {"ready": True, "restartCount": restarts}
    if restarts:
        status["lastState"] = {"terminated": exited(_KILLED)}
    return status, (restarts + 1) * alive - elapsed


def base(container: Object) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "ready": False,
        "started": False,
        "lastState": {},
    }


def waiting(container: Object, reason: str, message: str) -> dict[str, Any]:
    waiting = {"reason": reason, "message": message} if message else {"reason": reason}
    return base(container) | {"state": {"waiting": waiting}}


def _running(image: str) -> dict[str, Any]:
    return {"state": {"running": {"startedAt": clock.now()}}, "started": True, **_ran(image)}


def _ran(image: str) -> dict[str, str]:
    """What a runtime says of a container that ran: an image that is named by digest is that one."""
    invented = hashlib.sha256(image.encode()).hexdigest()
    parsed = images.parse(image)
    digest = parsed.digest or f"sha256:{invented}"
    return {"imageID": f"{parsed.repository}@{digest}", "containerID": f"containerd://{invented}"}


def exited(code: int) -> dict[str, Any]:
    now = clock.now()
    return {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}


def keep_times(before: dict[str, Any] | None, status: dict[str, Any]) -> dict[str, Any]:
    """A state that has not changed keeps the times it began and ended at."""
    if before is not None and _timeless(before) == _timeless(status):
        return before
    return status


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in ("startedAt", "finishedAt")}
    return value


def missing_reference(cluster: Cluster, pod: Object) -> Problem | None:
    """The first config map or secret that a container's environment needs and that is not there."""
    for kind, reference, key in _references(pod):
        if reference.get("optional"):
            continue
        found = cluster.get(kind, namespace_of(pod), reference["name"])
        if found is None:
            return Problem(CONFIG_ERROR, f'{kind.singular} "{reference["name"]}" not found')
        if key and key not in found.get("data", {}) and key not in found.get("binaryData", {}):
            why = f"couldn't find key {key} in {kind.kind} {namespace_of(pod)}/{reference['name']}"
            return Problem(CONFIG_ERROR, why)
    return None


def _references(pod: Object) -> Iterator[tuple[Kind, dict[str, Any], str]]:
    for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
        for source in container.get("envFrom", ()):
            for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
                if field in source:
                    yield kind, source[field], ""
        for variable in container.get("env", ()):
            for field, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
                reference = variable.get("valueFrom", {}).get(field)
                if reference:
                    yield kind, reference, reference["key"]
