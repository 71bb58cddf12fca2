"""Pods whose containers run as processes of this machine: those that run to an end and say which command they run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.container_environment import command, environment, expand
from ils_sandbox.kubernetes.controllers.pod_states import Problem, Progress, base, keep_times, status_of, waiting
from ils_sandbox.kubernetes.controllers.pod_status import Statuses
from ils_sandbox.kubernetes.images import Outcome
from ils_sandbox.kubernetes.kinds import CONFIG_MAP
from ils_sandbox.kubernetes.processes import KILLED, HostProcesses, Run, Start
from ils_sandbox.kubernetes.services import Services
from ils_sandbox.kubernetes.settings import Settings
from ils_sandbox.kubernetes.store import Cluster, Object, name_of, namespace_of

PREFIX = "process://"
"""Of the container ids of processes."""
_UNSUPPORTED = "CreateContainerError"
_OWN_PROGRAM = ["ils", "cluster-job"]
"""What the product itself runs in clusters, which does nothing that its command line would not do: always run."""


@dataclass(frozen=True)
class ProcessPods:
    cluster: Cluster
    settings: Settings
    processes: HostProcesses
    services: Services

    def handles(self, pod: Object) -> bool:
        """Whether the pod is one that says what to run."""
        if pod["spec"]["restartPolicy"] == "Always":
            return False
        return any(_is_process(container) for container in _containers(pod))

    def problem(self, pod: Object) -> Problem | None:
        """Why the pod cannot be run here. One that has begun can, whatever has been forbidden since."""
        if any(_lost(pod, container["name"]) for container in _containers(pod)):
            return None
        if not self.settings.host_processes and not all(map(_is_own, filter(_is_process, _containers(pod)))):
            why = (
                "unsupported in the sandbox: no container runs here. Commands of jobs are run as processes of this "
                "machine when its setting host_processes is on (`ils sandbox start --host-processes`)"
            )
            return Problem(_UNSUPPORTED, why)
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
        for container in filter(_is_process, _containers(pod)):
            for mount in container.get("volumeMounts", ()):
                if not self._has(pod, mount, volumes.get(mount["name"], {})):
                    why = (
                        f"unsupported in the sandbox: {container['name']} mounts {mount['name']} at "
                        f"{mount['mountPath']}; a process of this machine can only have empty directories where there "
                        "already is a folder, such as /tmp, and ConfigMaps whose files already are there, as they are"
                    )
                    return Problem(_UNSUPPORTED, why)
        return None

    def _has(self, pod: Object, mount: Object, volume: Object) -> bool:
        """Whether a process of this machine sees what a container would see at the mount's path."""
        path = Path(mount["mountPath"])
        if "emptyDir" in volume:
            return os.access(path, os.W_OK)
        if "configMap" not in volume:
            return False
        found = self.cluster.get(CONFIG_MAP, namespace_of(pod), volume["configMap"]["name"]) or {}
        data, part = found.get("data", {}), mount.get("subPath")
        files = {path: data[part]} if part in data else {path / name: text for name, text in data.items()}
        return bool(files) and all(_reads(file, text) for file, text in files.items())

    def advance(self, pod: Object, progress: Progress) -> tuple[Statuses, Statuses, float | None]:
        """Start what is to be started. Returns the statuses of init containers and the others, and when to look again;
        the end of a process is reported by itself.
        """
        waits: list[float] = []
        init: Statuses = []
        initialized = True
        for container in pod["spec"].get("initContainers", ()):
            if not initialized:
                init.append(waiting(container, "PodInitializing", ""))
                continue
            status = self._status(pod, container, progress, waits)
            sidecar = container.get("restartPolicy") == "Always"
            terminated = status["state"].get("terminated")
            initialized = bool("running" in status["state"] if sidecar else terminated and terminated["exitCode"] == 0)
            if terminated and initialized:
                status = status | {"ready": True}
            init.append(status)
        containers: Statuses = []
        for container in pod["spec"]["containers"]:
            if initialized:
                containers.append(self._status(pod, container, progress, waits))
            else:
                containers.append(waiting(container, "PodInitializing", ""))
        if init and all("terminated" in status["state"] for status in containers):
            self.processes.stop(pod["metadata"]["uid"])  # sidecars are not needed any more
        return (
            self._kept("initContainerStatuses", pod, init),
            self._kept("containerStatuses", pod, containers),
            (min(waits, default=None)),
        )

    def _kept(self, group: str, pod: Object, statuses: Statuses) -> Statuses:
        before = {status["name"]: status for status in pod["status"].get(group, ())}
        return [keep_times(before.get(status["name"]), status) for status in statuses]

    def _status(self, pod: Object, container: Object, progress: Progress, waits: list[float]) -> dict[str, Any]:
        if not _is_process(container) or progress.outcome_of(container["image"]) is not Outcome.READY:
            status, wait = status_of(pod, container, progress)
            waits.extend([] if wait is None else [wait])
            return status
        uid, name = pod["metadata"]["uid"], container["name"]
        if not self.processes.runs(uid, name) and (lost := _lost(pod, name)):
            self.processes.adopt(uid, name, lost)
        runs = self.processes.runs(uid, name)
        if not runs or (_restarts(pod, container, runs[-1]) and not self._holds_off(runs, waits)):
            self._start(pod, container)
            runs = self.processes.runs(uid, name)
        return self._described(pod, container, runs)

    def _holds_off(self, runs: list[Run], waits: list[float]) -> bool:
        """Whether the next start has to wait, longer after every failure."""
        left = self.settings.backoff_seconds * 2.0 ** (len(runs) - 1) - clock.seconds_since(runs[-1].finished)
        if left > 0:
            waits.append(left)
        return left > 0

    def _start(self, pod: Object, container: Object) -> None:
        variables = environment(self.cluster, pod, container, self.services.variables(pod))
        self.processes.start(
            Start(
                pod_uid=pod["metadata"]["uid"],
                container=container["name"],
                command=command(container, variables),
                variables=variables,
                working_directory=expand(container.get("workingDir", ""), variables),
                hostname=name_of(pod),
                has_role=pod["spec"].get("serviceAccountName", "default") != "default",
            )
        )

    def _described(self, pod: Object, container: Object, runs: list[Run]) -> dict[str, Any]:
        last = runs[-1]
        uid, name = pod["metadata"]["uid"], container["name"]
        status = base(container) | {
            "restartCount": len(runs) - 1,
            "containerID": f"{PREFIX}{uid}/{name}/{len(runs)}",
            "imageID": container["image"],
        }
        if len(runs) > 1:
            status["lastState"] = {"terminated": _terminated(runs[-2])}
        if not last.ended:
            return status | {"state": {"running": {"startedAt": last.started}}, "ready": True, "started": True}
        if _restarts(pod, container, last):
            text = f"back-off restarting failed container={name} pod={name_of(pod)}"
            backing_off = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
            return status | {"state": backing_off, "lastState": {"terminated": _terminated(last)}}
        return status | {"state": {"terminated": _terminated(last)}}


def _reads(file: Path, text: str) -> bool:
    try:
        return file.read_text(encoding="utf-8") == text
    except OSError:
        return False


def _containers(pod: Object) -> list[Object]:
    return [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]


def _is_process(container: Object) -> bool:
    return bool(container.get("command"))


def _is_own(container: Object) -> bool:
    found: list[str] = container["command"][:2]
    return found == _OWN_PROGRAM


def _restarts(pod: Object, container: Object, last: Run) -> bool:
    if not last.ended or last.stopping:
        return False
    if container.get("restartPolicy") == "Always":
        return True
    policy: str = pod["spec"]["restartPolicy"]
    return policy == "OnFailure" and last.exit_code != 0


def _terminated(run: Run) -> dict[str, Any]:
    ended: dict[str, Any] = {
        "exitCode": run.exit_code,
        "reason": run.reason,
        "startedAt": run.started,
        "finishedAt": run.finished,
    }
    return ended | {"message": run.message} if run.message else ended


def _lost(pod: Object, name: str) -> Run | None:
    """The end of a run that was under way when the server ended."""
    for group in ("initContainerStatuses", "containerStatuses"):
        for status in pod["status"].get(group, ()):
            if status["name"] == name and status.get("containerID", "").startswith(PREFIX):
                ended = status["state"].get("terminated")
                run = Run((ended or status["state"].get("running") or {}).get("startedAt", clock.now()))
                if ended:
                    run.end(ended["exitCode"], ended["reason"], ended.get("message", ""))
                else:
                    run.end(KILLED, "ContainerStatusUnknown", "The sandbox ended while the container ran")
                return run
    return None
