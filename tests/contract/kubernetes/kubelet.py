"""What a kubelet would report, for a control plane that has none: pods become ready or fail by the tag of their image,
as in the sandbox, so that controllers have something to react to.
"""

from __future__ import annotations

import json
import threading
from typing import Any

from kubernetes.client.exceptions import ApiException

from ils_sandbox.kubernetes import clock
from ils_sandbox.kubernetes.images import Outcome, outcome
from tests.support.kubernetes_api import MERGE, KubernetesApi

NODE = "node"
_PODS = "/api/v1/pods"


class Kubelet(threading.Thread):
    """Reports on every pod of the cluster until it is told to end."""

    def __init__(self, api: KubernetesApi) -> None:
        super().__init__(name="kubelet", daemon=True)
        self._api = api
        self._ended = threading.Event()
        self._numbers: dict[str, int] = {}
        """Of pods, by uid: one that is reported on twice keeps its address."""

    def run(self) -> None:
        self._api.ok("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        version = self._look_at_all()
        while not self._ended.is_set():
            try:
                with self._api.watch(_PODS, seconds=2, resourceVersion=version) as events:
                    for event, pod in events:
                        if event == "ERROR":
                            version = self._look_at_all()
                            break
                        version = pod["metadata"]["resourceVersion"]
                        if event != "DELETED":
                            self._report(pod)
            except (ApiException, OSError):
                if not self._ended.is_set():
                    raise

    def end(self) -> None:
        self._ended.set()
        self.join(10)

    def _look_at_all(self) -> str:
        listed = self._api.ok("GET", _PODS)
        for pod in listed["items"]:
            self._report(pod)
        return str(listed["metadata"]["resourceVersion"])

    def _report(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            body = {"gracePeriodSeconds": 0, "preconditions": {"uid": metadata["uid"]}}
            answers = [self._api.call("DELETE", path, body)]
        elif not pod["status"].get("podIP"):
            target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
            patch = {"metadata": {"uid": metadata["uid"]}, "status": self._status(pod)}
            answers = [
                self._api.call("POST", f"{path}/binding", {"metadata": {"name": metadata["name"]}, "target": target}),
                self._api.call("PATCH", f"{path}/status", patch, MERGE),
            ]
        else:
            return
        # 403: nothing is bound any more in a namespace that is going.
        assert all(answer.code in (200, 201, 403, 404, 409) for answer in answers), json.dumps(
            [a.body for a in answers]
        )

    def _status(self, pod: dict[str, Any]) -> dict[str, Any]:
        now = clock.now()
        outcomes = [outcome(container["image"]) for container in pod["spec"]["containers"]]
        ends = pod["spec"]["restartPolicy"] == "Never"
        number = self._numbers.setdefault(pod["metadata"]["uid"], len(self._numbers) + 1)
        status: dict[str, Any] = {
            "startTime": now,
            "podIP": f"10.1.{number // 250 % 250}.{1 + number % 250}",
            "containerStatuses": [
                _container(container["name"], container["image"], found, ends=ends)
                for container, found in zip(pod["spec"]["containers"], outcomes, strict=True)
            ],
        }
        ready = not ends and all(found is Outcome.READY for found in outcomes)
        if ends and Outcome.NEVER_READY not in outcomes:
            status["phase"] = "Failed" if Outcome.CRASHES in outcomes else "Succeeded"
        else:
            status["phase"] = "Pending" if Outcome.PULL_FAILS in outcomes else "Running"
        status["conditions"] = [
            {"type": kind, "status": "True" if ready else "False", "lastTransitionTime": now}
            for kind in ("Ready", "ContainersReady")
        ]
        return status


def _container(name: str, image: str, found: Outcome, *, ends: bool) -> dict[str, Any]:
    state: dict[str, Any] = {"running": {"startedAt": clock.now()}}
    if found is Outcome.PULL_FAILS:
        state = {"waiting": {"reason": "ImagePullBackOff", "message": f"Back-off pulling image {image}"}}
    elif ends and found is not Outcome.NEVER_READY:
        failed = found is Outcome.CRASHES
        terminated = {"exitCode": int(failed), "reason": "Error" if failed else "Completed"}
        state = {"terminated": {**terminated, "startedAt": clock.now(), "finishedAt": clock.now()}}
    ready = "running" in state and found is Outcome.READY
    shared = {"name": name, "image": image, "imageID": image, "restartCount": 0, "lastState": {}}
    return {**shared, "ready": ready, "started": ready, "state": state}
