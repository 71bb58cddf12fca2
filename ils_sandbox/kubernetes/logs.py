"""The log subresource of pods. A container that ran as a process has a log; of any other it tells what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ils_sandbox.kubernetes import clock, statuses
from ils_sandbox.kubernetes.container_logs import ContainerLog, ContainerLogs, Line
from ils_sandbox.kubernetes.kinds import POD
from ils_sandbox.kubernetes.requests import Parameters
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, name_of, namespace_of


def choose_container(pod: Object, wanted: str) -> dict[str, Any]:
    """The status of the container asked for, or of the only one. Raises a 400 as the kubelet does."""
    spec = pod["spec"]
    names = [container["name"] for container in (*spec["containers"], *spec.get("initContainers", ()))]
    if wanted and wanted not in names:
        raise statuses.bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
    if not wanted and len(spec["containers"]) > 1:
        listed = " ".join(container["name"] for container in spec["containers"])
        raise statuses.bad_request(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: [{listed}]"
        )
    name = wanted or names[0]
    known = [*pod["status"].get("containerStatuses", ()), *pod["status"].get("initContainerStatuses", ())]
    found = next((status for status in known if status["name"] == name), None)
    if found is None:
        raise statuses.bad_request(f'container "{name}" in pod "{name_of(pod)}" is waiting to start')
    waiting = found["state"].get("waiting")
    if waiting and not found["restartCount"] and not found["lastState"]:
        raise statuses.bad_request(
            f'container "{name}" in pod "{name_of(pod)}" is waiting to start: {waiting["reason"]}'
        )
    status: dict[str, Any] = found
    return status


class PodLog:
    """What is asked of the log of one container."""

    def __init__(self, pod: Object, parameters: Parameters, logs: ContainerLogs) -> None:
        self._pod = pod
        self._status = choose_container(pod, parameters.text("container"))
        self._stamped = parameters.flag("timestamps")
        self._tail = parameters.number("tailLines")
        self._since = _since(parameters)
        name, uid = self._status["name"], pod["metadata"]["uid"]
        previous = parameters.flag("previous")
        self._log: ContainerLog | None = logs.find(uid, name, previous=previous)
        if previous and self._log is None and "terminated" not in self._status["lastState"]:
            raise statuses.bad_request(f'previous terminated container "{name}" in pod "{name_of(pod)}" not found')

    def text(self) -> str:
        lines = self._told() if self._log is None else self._log.lines()
        return "".join(self._shown(line) for line in self._last(lines))

    async def follow(self, cluster: Cluster, closed: asyncio.Event) -> AsyncIterator[bytes]:
        """The lines so far, then those that come until the container has ended, the pod gone or the server stopped."""
        if self._log is None:
            yield self.text().encode()
            if "running" in self._status["state"]:
                await _gone(cluster, self._pod, closed)
            return
        skipped = len(self._log.lines()) - len(self._last(self._log.lines()))
        number = 0
        async for line in self._log.follow(closed):
            if number >= skipped:
                yield self._shown(line).encode()
            number += 1

    def _told(self) -> list[Line]:
        """Containers that do not run have no log; this says what became of one."""
        image, state = self._status["image"], self._status["state"]
        ended = state.get("terminated") or self._status["lastState"].get("terminated")
        if ended is not None:
            return [
                (ended["startedAt"], f"{image}: started"),
                (ended["finishedAt"], f"exit code {ended['exitCode']}"),
            ]
        started = state.get("running", {}).get("startedAt", clock.now())
        return [(started, f"{image}: started"), (started, "listening")]

    def _last(self, lines: list[Line]) -> list[Line]:
        if self._since is not None:
            lines = [line for line in lines if clock.parse(line[0]) >= self._since]
        return lines if self._tail is None else lines[max(0, len(lines) - self._tail) :]

    def _shown(self, line: Line) -> str:
        at, text = line
        return f"{at} {text}\n" if self._stamped else f"{text}\n"


def _since(parameters: Parameters) -> datetime | None:
    seconds = parameters.number("sinceSeconds")
    if seconds is not None:
        return datetime.now(UTC) - timedelta(seconds=seconds)
    at = parameters.text("sinceTime")
    return clock.parse(at) if at else None


async def _gone(cluster: Cluster, pod: Object, closed: asyncio.Event) -> None:
    """Wait until the pod has ended or gone, or the server stops."""
    gone = asyncio.Event()

    def listen(change: Change) -> None:
        if change.kind is POD and change.obj["metadata"]["uid"] == pod["metadata"]["uid"] and _over(change):
            gone.set()

    cluster.listeners.append(listen)
    try:
        if cluster.get(POD, namespace_of(pod), name_of(pod)) is None:
            return
        waits = [asyncio.ensure_future(event.wait()) for event in (gone, closed)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
    finally:
        cluster.listeners.remove(listen)


def _over(change: Change) -> bool:
    return change.type is EventType.DELETED or change.obj["status"]["phase"] in ("Succeeded", "Failed")
