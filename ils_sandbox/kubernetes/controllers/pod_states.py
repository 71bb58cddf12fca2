"""What state the containers of a pod are in after some time, as a table over what their images do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import clock, images
from ils_sandbox.kubernetes.images import Outcome
from ils_sandbox.kubernetes.kinds import CONFIG_MAP, SECRET, Kind
from ils_sandbox.kubernetes.store import Cluster, Object, namespace_of

CRASH_BACKOFF = "back-off 5m0s restarting failed container"


@dataclass(frozen=True)
class Progress:
    """How far a pod's containers are. `problem` holds them back before they are created."""

    elapsed: float
    ready_after: float
    problem: str


def container_statuses(pod: Object, progress: Progress) -> tuple[list[dict[str, Any]], float | None]:
    """The statuses of all containers, and in how many seconds the next of them changes."""
    before = {status["name"]: status for status in pod["status"].get("containerStatuses", ())}
    statuses = []
    waits = []
    for container in pod["spec"]["containers"]:
        status, wait = _status(pod, container, progress)
        statuses.append(_keep_times(before.get(container["name"]), status))
        if wait is not None:
            waits.append(wait)
    return statuses, min(waits, default=None)


def _status(pod: Object, container: Object, progress: Progress) -> tuple[dict[str, Any], float | None]:
    image = container["image"]
    outcome = images.outcome(image)
    if progress.problem:
        return _waiting(container, "CreateContainerConfigError", progress.problem), None
    if outcome is Outcome.INVALID:
        why = f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": invalid reference format'
        return _waiting(container, "InvalidImageName", why), None
    left = progress.ready_after - progress.elapsed
    if left > 0:
        return _waiting(container, "ContainerCreating", ""), left
    if outcome is Outcome.PULL_FAILS:
        error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
        if left + progress.ready_after > 0:
            return _waiting(container, "ErrImagePull", error), left + progress.ready_after
        return _waiting(container, "ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {error}'), None
    if outcome is Outcome.CRASHES:
        text = f"{CRASH_BACKOFF}={container['name']} pod={pod['metadata']['name']}_{namespace_of(pod)}"
        status = _waiting(container, "CrashLoopBackOff", text)
        return status | {"restartCount": 3, "lastState": {"terminated": _exit(1)}, **_ran(image)}, None
    running = {"state": {"running": {"startedAt": clock.now()}}, "started": True, **_ran(image)}
    return _base(container) | running | {"ready": outcome is Outcome.READY}, None


def _base(container: Object) -> dict[str, Any]:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "",
        "restartCount": 0,
        "ready": False,
        "started": False,
        "lastState": {},
    }


def _waiting(container: Object, reason: str, message: str) -> dict[str, Any]:
    waiting = {"reason": reason, "message": message} if message else {"reason": reason}
    return _base(container) | {"state": {"waiting": waiting}}


def _ran(image: str) -> dict[str, str]:
    digest = hashlib.sha256(image.encode()).hexdigest()
    repository = images.parse(image).repository
    return {"imageID": f"{repository}@sha256:{digest}", "containerID": f"containerd://{digest}"}


def _exit(code: int) -> dict[str, Any]:
    now = clock.now()
    return {"exitCode": code, "reason": "Error" if code else "Completed", "startedAt": now, "finishedAt": now}


def _keep_times(before: dict[str, Any] | None, status: dict[str, Any]) -> dict[str, Any]:
    """A state that has not changed keeps the times it began and ended at."""
    if before is not None and _timeless(before) == _timeless(status):
        return before
    return status


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in ("startedAt", "finishedAt")}
    return value


def missing_reference(cluster: Cluster, pod: Object) -> str:
    """The first config map or secret that a container's environment needs and that is not there; empty if none."""
    for kind, reference, key in _references(pod):
        if reference.get("optional"):
            continue
        found = cluster.get(kind, namespace_of(pod), reference["name"])
        if found is None:
            return f'{kind.singular} "{reference["name"]}" not found'
        if key and key not in found.get("data", {}) and key not in found.get("binaryData", {}):
            return f"couldn't find key {key} in {kind.kind} {namespace_of(pod)}/{reference['name']}"
    return ""


def _references(pod: Object) -> Iterator[tuple[Kind, dict[str, Any], str]]:
    for container in pod["spec"]["containers"]:
        for source in container.get("envFrom", ()):
            for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
                if field in source:
                    yield kind, source[field], ""
        for variable in container.get("env", ()):
            for field, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
                reference = variable.get("valueFrom", {}).get(field)
                if reference:
                    yield kind, reference, reference["key"]
