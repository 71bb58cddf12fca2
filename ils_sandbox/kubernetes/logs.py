"""The log subresource of pods. Containers do not run, so a log tells what became of the container."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from ils_sandbox.kubernetes import clock, statuses
from ils_sandbox.kubernetes.kinds import POD
from ils_sandbox.kubernetes.requests import Parameters
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, name_of, namespace_of


def choose_container(pod: Object, wanted: str) -> dict[str, Any]:
    """The status of the container asked for, or of the only one. Raises a 400 as the kubelet does."""
    names = [container["name"] for container in pod["spec"]["containers"]]
    if wanted and wanted not in names:
        raise statuses.bad_request(f"container {wanted} is not valid for pod {name_of(pod)}")
    if not wanted and len(names) > 1:
        raise statuses.bad_request(
            f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(names)}]"
        )
    name = wanted or names[0]
    found = next((s for s in pod["status"].get("containerStatuses", ()) if s["name"] == name), None)
    if found is None:
        raise statuses.bad_request(f'container "{name}" in pod "{name_of(pod)}" is waiting to start')
    waiting = found["state"].get("waiting")
    if waiting and not found["restartCount"]:
        raise statuses.bad_request(
            f'container "{name}" in pod "{name_of(pod)}" is waiting to start: {waiting["reason"]}'
        )
    status: dict[str, Any] = found
    return status


def lines(status: dict[str, Any], parameters: Parameters) -> list[str]:
    image = status["image"]
    if "terminated" in status["lastState"]:
        ended = status["lastState"]["terminated"]
        written = [(ended["startedAt"], f"{image}: started"), (ended["finishedAt"], f"exit code {ended['exitCode']}")]
    else:
        started = status["state"].get("running", {}).get("startedAt", clock.now())
        written = [(started, f"{image}: started"), (started, "listening")]
    stamped = parameters.flag("timestamps")
    shown = [f"{at} {text}" if stamped else text for at, text in written]
    tail = parameters.number("tailLines")
    return shown if tail is None else shown[max(0, len(shown) - tail) :]


async def follow(cluster: Cluster, pod: Object, first: list[str], closed: asyncio.Event) -> AsyncIterator[bytes]:
    """The lines so far; then nothing, until the pod goes or the server stops."""
    yield "".join(f"{line}\n" for line in first).encode()
    gone = asyncio.Event()

    def listen(change: Change) -> None:
        ended = change.type is EventType.DELETED
        if change.kind is POD and ended and change.obj["metadata"]["uid"] == pod["metadata"]["uid"]:
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
