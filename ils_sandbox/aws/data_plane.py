"""The data plane, told what becomes of clusters, caches and snapshots."""

from __future__ import annotations

import http.client
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ils_sandbox.aws.responses import AwsError
from ils_sandbox.data.records import (
    CacheChange,
    CacheOrder,
    ClusterChange,
    ClusterOrder,
    Record,
    SnapshotOrder,
    State,
)

SECONDS_TO_ANSWER = 60.0
LOST = State(state="failed", reason="the data plane does not have it")


@dataclass(frozen=True)
class DataPlane:
    """Client of the control API. What it cannot do fails the AWS call that needed it."""

    endpoint: str
    """`http://127.0.0.1:<port>`"""
    token_file: Path

    @staticmethod
    def new_id() -> str:
        """An id for something that is about to be made."""
        return uuid.uuid4().hex

    def make_cluster(self, id_: str, order: ClusterOrder) -> State:
        return self._state("PUT", f"/clusters/{id_}", order)

    def cluster(self, id_: str) -> State:
        return self._state("GET", f"/clusters/{id_}")

    def change_cluster(self, id_: str, change: ClusterChange) -> None:
        self._state("PATCH", f"/clusters/{id_}", change)

    def fail_over_cluster(self, id_: str) -> None:
        self._state("POST", f"/clusters/{id_}/failover")

    def delete_cluster(self, id_: str) -> None:
        self._call("DELETE", f"/clusters/{id_}")

    def make_cache(self, id_: str, order: CacheOrder) -> State:
        return self._state("PUT", f"/caches/{id_}", order)

    def cache(self, id_: str) -> State:
        return self._state("GET", f"/caches/{id_}")

    def change_cache(self, id_: str, change: CacheChange) -> None:
        self._state("PATCH", f"/caches/{id_}", change)

    def fail_over_cache(self, id_: str) -> None:
        self._state("POST", f"/caches/{id_}/failover")

    def delete_cache(self, id_: str) -> None:
        self._call("DELETE", f"/caches/{id_}")

    def make_snapshot(self, id_: str, order: SnapshotOrder) -> State:
        return self._state("PUT", f"/snapshots/{id_}", order)

    def snapshot(self, id_: str) -> State:
        return self._state("GET", f"/snapshots/{id_}")

    def snapshot_file(self, id_: str) -> bytes:
        """What a snapshot of a cache holds, as an RDB file."""
        status, content = self._exchange("GET", f"/snapshots/{id_}/file")
        if status == 404:
            raise AwsError("InternalFailure", f"The sandbox's data plane has no snapshot {id_}", 501)
        return content

    def keep_snapshot(self, id_: str, content: bytes) -> None:
        """Have a snapshot of a cache that holds what an RDB file does."""
        self._exchange("PUT", f"/snapshots/{id_}/file", content)

    def delete_snapshot(self, id_: str) -> None:
        self._call("DELETE", f"/snapshots/{id_}")

    def _state(self, method: str, path: str, body: Record | None = None) -> State:
        answer = self._call(method, path, body)
        return LOST if answer is None else State.model_validate(answer)

    def _call(self, method: str, path: str, body: Record | None = None) -> Mapping[str, Any] | None:
        """The answer; None to a GET of what does not exist."""
        status, answer = self._exchange(method, path, None if body is None else body.model_dump_json(exclude_none=True))
        if status == 404:
            return None
        parsed: Mapping[str, Any] = json.loads(answer)
        return parsed

    def _exchange(self, method: str, path: str, content: str | bytes | None = None) -> tuple[int, bytes]:
        """Status and content: of what is well, or 404 to a GET of what does not exist."""
        address = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=SECONDS_TO_ANSWER)
        try:
            headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            message = f"The sandbox's data plane at {self.endpoint} did not answer {method} {path}: {error}"
            raise AwsError("InternalFailure", message, 501) from error
        finally:
            connection.close()
        if response.status >= 400 and (method, response.status) != ("GET", 404):
            message = f"The sandbox's data plane answered {response.status} to {method} {path}: {answer[:500]!r}"
            raise AwsError("InternalFailure", message, 501)
        return response.status, answer
