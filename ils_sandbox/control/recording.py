"""What was asked of the sandbox, for tests and benchmarks that count calls or look at when they ran."""

from __future__ import annotations

import os
from collections import deque
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

MOST_KEPT = 200_000
RECORD_VARIABLE = "ILS_RECORD_CALLS"
"""Folder into which every server of a sandbox that is started with it writes which calls it got, each once."""
SANDBOX_CLIENT = "ils-sandbox-controllers"
"""User-Agent of what the sandbox's own controllers ask. Nobody counts that: nobody who counts has caused it."""


class RecordedRequest(BaseModel):
    """One finished call. Times are seconds since the epoch, injected latency included."""

    model_config = ConfigDict(frozen=True)

    service: str
    operation: str
    mutating: bool
    status: int
    started: float
    finished: float
    client: str
    """The caller's User-Agent."""
    caller: str = ""
    """The caller's access key id, which the sandbox's own targets name after themselves."""
    cluster: str = ""
    """Of Kubernetes: the name of the cluster."""
    group: str = ""
    """Of Kubernetes: the API group of the resource."""
    namespace: str = ""
    """Of Kubernetes: where the resource is; empty for what is in none, and for all of them at once."""
    resources: tuple[str, ...] = ()
    """Of AWS, where kinds of calls are written down: the ARNs of what the parameters name, `*` for what AWS makes up."""
    tags: tuple[tuple[str, str], ...] = ()
    """Likewise: those in the request that say whose a resource becomes."""


class KindOfCall(BaseModel):
    """What of a call says which permission it needs."""

    model_config = ConfigDict(frozen=True)

    caller: str
    service: str
    operation: str
    cluster: str
    group: str
    namespace: str
    created: bool
    """Whether it made an object: in Kubernetes a patch can."""
    resources: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, request: RecordedRequest) -> KindOfCall:
        return cls(
            caller=request.caller,
            service=request.service,
            operation=request.operation,
            cluster=request.cluster,
            group=request.group,
            namespace=request.namespace,
            created=request.status == HTTPStatus.CREATED,
            resources=request.resources,
            tags=request.tags,
        )


class KindsOfCalls:
    """Writes each kind of call once, at once, as a line of JSON: however a sandbox ends, what it was asked is there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"{uuid4().hex}.jsonl").open("a", buffering=1)
        self._seen: set[KindOfCall] = set()

    def add(self, request: RecordedRequest) -> None:
        kind = KindOfCall.of(request)
        if kind not in self._seen:
            self._seen.add(kind)
            self._file.write(f"{kind.model_dump_json()}\n")


class Recording:
    """The calls since the recording was last cleared, oldest first; only the newest 200 000 are kept."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=MOST_KEPT)
        folder = os.environ.get(RECORD_VARIABLE)
        self._kinds = KindsOfCalls(Path(folder)) if folder else None

    @property
    def writes_kinds(self) -> bool:
        """Whether anybody wants to know what calls name."""
        return self._kinds is not None

    def add(self, request: RecordedRequest) -> None:
        self._requests.append(request)
        if self._kinds is not None:
            self._kinds.add(request)

    def clear(self) -> None:
        self._requests.clear()

    def list(self) -> tuple[RecordedRequest, ...]:
        return tuple(self._requests)
