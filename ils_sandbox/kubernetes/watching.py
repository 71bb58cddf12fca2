"""Watches: a stream of changes from a resource version on, and the logs that are followed in the same way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import statuses
from ils_sandbox.kubernetes.kinds import Kind
from ils_sandbox.kubernetes.selectors import Matcher
from ils_sandbox.kubernetes.store import Change, Cluster, EventType, Object, namespace_of

BOOKMARK_SECONDS = 60.0
DEFAULT_TIMEOUT_SECONDS = 1800
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

Render = Callable[[Object], Any]


@dataclass(frozen=True)
class WatchOptions:
    kind: Kind
    namespace: str
    matches: Matcher
    resource_version: str
    timeout_seconds: int | None
    bookmarks: bool
    send_initial_events: bool


class Watches:
    """All open streams of a server; closing it ends them, so that the server can stop."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Change | None]] = set()
        self.closed = asyncio.Event()

    def close(self) -> None:
        self.closed.set()
        for queue in self._queues:
            queue.put_nowait(None)

    def close_cluster(self, cluster: Cluster) -> None:
        """End the watches of a cluster that is being deleted."""
        for listener in tuple(cluster.listeners):
            owner = getattr(listener, "__self__", None)
            if isinstance(owner, asyncio.Queue) and owner in self._queues:
                owner.put_nowait(None)

    async def stream(self, cluster: Cluster, options: WatchOptions, render: Render) -> AsyncIterator[bytes]:
        """The lines of a watch. What happened before the call and after the resource version comes first."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        cluster.listeners.append(queue.put_nowait)
        self._queues.add(queue)
        try:
            try:
                backlog, initial = self._begin(cluster, options)
            except statuses.ApiError as error:
                yield _line("ERROR", error.status())
                return
            for obj in initial:
                yield _line("ADDED", render(obj))
            if options.send_initial_events:
                yield _bookmark(options.kind, cluster.revision, initial_end=True)
            for change in backlog:
                if (event := _event(options, change)) is not None:
                    yield _line(event[0], render(event[1]))
            async for line in self._follow(cluster, options, render, queue):
                yield line
        finally:
            cluster.listeners.remove(queue.put_nowait)
            self._queues.discard(queue)

    def _begin(self, cluster: Cluster, options: WatchOptions) -> tuple[list[Change], list[Object]]:
        version = options.resource_version
        if options.send_initial_events or version in ("", "0"):
            objects = cluster.objects(options.kind, options.namespace)
            return [], [obj for obj in objects if options.matches(obj)]
        if not version.isdigit():
            raise statuses.bad_request(f'invalid resource version "{version}"')
        start = int(version)
        if start < cluster.oldest_revision:
            raise statuses.gone(f"too old resource version: {start} ({cluster.oldest_revision})")
        return [change for change in cluster.history if change.revision > start], []

    async def _follow(
        self, cluster: Cluster, options: WatchOptions, render: Render, queue: asyncio.Queue[Change | None]
    ) -> AsyncIterator[bytes]:
        seconds = DEFAULT_TIMEOUT_SECONDS if options.timeout_seconds is None else options.timeout_seconds
        deadline = time.monotonic() + seconds
        while not self.closed.is_set():
            left = deadline - time.monotonic()
            if left <= 0:
                return
            try:
                change = await asyncio.wait_for(queue.get(), min(left, BOOKMARK_SECONDS))
            except TimeoutError:
                if options.bookmarks:
                    yield _bookmark(options.kind, cluster.revision)
                continue
            if change is None:
                return
            if (event := _event(options, change)) is not None:
                yield _line(event[0], render(event[1]))


def _event(options: WatchOptions, change: Change) -> tuple[str, Object] | None:
    """What a watcher sees of a change: an object that begins to match was added for it, one that ends was deleted."""
    if change.kind is not options.kind or options.namespace not in ("", namespace_of(change.obj)):
        return None
    before = change.previous is not None and options.matches(change.previous)
    now = change.type is not EventType.DELETED and options.matches(change.obj)
    if now:
        return ("MODIFIED" if before else "ADDED"), change.obj
    return ("DELETED", change.obj) if before else None


def _line(event: str, obj: Any) -> bytes:
    return json.dumps({"type": event, "object": obj}, separators=(",", ":")).encode() + b"\n"


def _bookmark(kind: Kind, revision: int, *, initial_end: bool = False) -> bytes:
    metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial_end:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    return _line("BOOKMARK", {"kind": kind.kind, "apiVersion": kind.api_version, "metadata": metadata})
