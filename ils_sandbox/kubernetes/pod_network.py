"""Who answers at the addresses of pods: what stands in for the application's image, for as long as its container runs.

Containers whose image is another's, or that run a command of their own, listen nowhere.
"""

from __future__ import annotations

from pathlib import Path

from ils_sandbox.application.pages import Application, Page
from ils_sandbox.kubernetes.container_environment import environment
from ils_sandbox.kubernetes.controllers.lost_nodes import node_answers
from ils_sandbox.kubernetes.images import ImageOutcomes, Outcome
from ils_sandbox.kubernetes.kinds import POD
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object

Variables = dict[str, str]


class Refused(Exception):
    """Nobody listens there. The text is what whoever dials is told."""

    def __init__(self, address: str, port: int, why: str = "connect: connection refused") -> None:
        super().__init__(f"dial tcp {address}:{port}: {why}")


class PodNetwork:
    """The pods of one cluster, to whoever calls them. Must be used inside the server's event loop."""

    def __init__(self, cluster: Cluster, images: ImageOutcomes, authority: Path | None = None) -> None:
        """`authority` is a PEM file of whom images trust to vouch for servers, beside nobody else."""
        self._cluster = cluster
        self._images = images
        self._authority = authority
        self._started: dict[str, dict[str, Variables]] = {}
        """By the pod's uid and the container's name: what it was started with. A container that runs sees no change of
        the ConfigMaps and Secrets that its variables came from."""
        cluster.listeners.append(self._changed)

    async def ask(self, pod: Object, port: int, method: str, path: str) -> Page:
        """What a container answers to a request. Raises `Refused`."""
        address = pod["status"].get("podIP", "")
        if not node_answers(self._cluster, pod):
            raise Refused(address, port, "i/o timeout")
        for container in pod["spec"]["containers"]:
            found = self._application(pod, container)
            if found is not None and found.port == str(port):
                return await found.answer(method, path)
        raise Refused(address, port)

    def _application(self, pod: Object, container: Object) -> Application | None:
        if container["name"] not in _running(pod):
            return None
        started = self._started.setdefault(pod["metadata"]["uid"], {})
        if container["name"] not in started:  # by an earlier server
            started[container["name"]] = environment(self._cluster, pod, container)
        outcome = self._images.of(container["image"])
        return Application(
            started[container["name"]],
            self._authority,
            lives=outcome is not Outcome.LIVENESS_FAILS,
            gets_ready=outcome is not Outcome.NEVER_READY,
        )

    def _changed(self, change: Change) -> None:
        if change.kind is not POD:
            return
        pod, uid = change.obj, change.obj["metadata"]["uid"]
        if change.type is EventType.DELETED:
            self._started.pop(uid, None)
            return
        before, running = self._started.get(uid, {}), _running(pod)
        if before.keys() != running:
            self._started[uid] = {
                each["name"]: before.get(each["name"]) or environment(self._cluster, pod, each)
                for each in pod["spec"]["containers"]
                if each["name"] in running
            }


def _running(pod: Object) -> set[str]:
    """Names of the containers that run what their image says."""
    told = {each["name"] for each in pod["spec"]["containers"] if each.get("command")}
    states = {each["name"]: each["state"] for each in pod["status"].get("containerStatuses", ())}
    return {name for name, state in states.items() if "running" in state} - told
