"""What was asked of the sandbox, for tests and benchmarks that count calls or look at when they ran."""

from __future__ import annotations

from collections import deque

from pydantic import BaseModel, ConfigDict

MOST_KEPT = 200_000
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
    group: str = ""
    """Of Kubernetes: the API group of the resource."""
    namespace: str = ""
    """Of Kubernetes: where the resource is; empty for what is in none, and for all of them at once."""


class Recording:
    """The calls since the recording was last cleared, oldest first; only the newest 200 000 are kept."""

    def __init__(self) -> None:
        self._requests: deque[RecordedRequest] = deque(maxlen=MOST_KEPT)

    def add(self, request: RecordedRequest) -> None:
        self._requests.append(request)

    def clear(self) -> None:
        self._requests.clear()

    def list(self) -> tuple[RecordedRequest, ...]:
        return tuple(self._requests)
