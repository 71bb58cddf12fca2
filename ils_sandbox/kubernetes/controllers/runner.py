"""Runs the controllers of one cluster: a queue of keys, each due at some time, worked off one after the other."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol

from ils_sandbox.kubernetes.kinds import Kind
from ils_sandbox.kubernetes.statuses import ApiError
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, name_of, namespace_of

RETRY_SECONDS = 1.0

Key = tuple[str, str]
"""Namespace and name of the object a controller looks after."""

logger = logging.getLogger(__name__)


def key_of(obj: Object) -> Key:
    return namespace_of(obj), name_of(obj)


def owner_keys(obj: Object, kind: Kind) -> Iterable[Key]:
    """The key of the object of `kind` that controls `obj`, if one does."""
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner["kind"] == kind.kind and owner["apiVersion"] == kind.api_version and owner.get("controller"):
            yield namespace_of(obj), owner["name"]


class Controller(Protocol):
    def keys(self, change: Change) -> Iterable[Key]:
        """Which objects to look at after a change."""

    def reconcile(self, key: Key) -> float | None:
        """Bring one object nearer to what it should be. Returns after how many seconds to look again, if at all."""


class Runner:
    def __init__(self, cluster: Cluster, controllers: Sequence[Controller]) -> None:
        self._cluster = cluster
        self._controllers = controllers
        self._due: dict[tuple[int, Key], float] = {}
        self._heap: list[tuple[float, int, tuple[int, Key]]] = []
        self._order = itertools.count()
        self._wake = asyncio.Event()
        for index, controller in enumerate(controllers):
            if hasattr(controller, "wake"):
                controller.wake = partial(self._look_at, index)

    def look_again(self, kind: Kind) -> None:
        """Have every object of a kind looked at, when something around them has changed."""
        for obj in self._cluster.objects(kind):
            self.on_change(Change(EventType.MODIFIED, kind, obj, None, self._cluster.revision))

    def on_change(self, change: Change) -> None:
        now = time.monotonic()
        for index, controller in enumerate(self._controllers):
            for key in controller.keys(change):
                self._enqueue((index, key), now)

    def _look_at(self, index: int, key: Key) -> None:
        self._enqueue((index, key), time.monotonic())

    def _enqueue(self, item: tuple[int, Key], due: float) -> None:
        if self._due.get(item, float("inf")) <= due:
            return
        self._due[item] = due
        heapq.heappush(self._heap, (due, next(self._order), item))
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled, beginning with everything there is."""
        for kind, obj in self._cluster.everything():
            self.on_change(Change(EventType.ADDED, kind, obj, None, self._cluster.revision))
        self._cluster.listeners.append(self.on_change)
        try:
            while True:
                await self._wait()
                self._step()
                await asyncio.sleep(0)  # requests come first
        finally:
            self._cluster.listeners.remove(self.on_change)

    async def _wait(self) -> None:
        while True:
            self._wake.clear()
            delay = self._heap[0][0] - time.monotonic() if self._heap else None
            if delay is not None and delay <= 0:
                return
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
            except TimeoutError:
                return

    def _step(self) -> None:
        due, _, item = heapq.heappop(self._heap)
        if self._due.get(item) != due:
            return  # it was brought forward and has been worked on since
        del self._due[item]
        index, key = item
        controller = self._controllers[index]
        try:
            again = controller.reconcile(key)
        except ApiError as error:
            logger.warning("%s %s: %s", type(controller).__name__, "/".join(key), error)
            again = RETRY_SECONDS
        except Exception:  # one object that cannot be handled must not stop the others
            logger.exception("%s %s", type(controller).__name__, "/".join(key))
            again = RETRY_SECONDS
        if again is not None:
            self._enqueue(item, time.monotonic() + again)
