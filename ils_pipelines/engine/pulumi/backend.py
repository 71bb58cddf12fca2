"""Where Pulumi keeps its state, as far as it is read beside Pulumi: the locks of the stacks.

Pulumi's own lock is the mutex: a file `.pulumi/locks/organization/<project>/<stack>/<uuid>.json` in the backend, which says
who made it (pulumi/pulumi pkg/backend/diy/lock.go). Pulumi can only delete all locks of a stack, unseen; here one is deleted
after a look at its holder.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import LockHolder, Stack

ORGANIZATION = "organization"
"""Of every stack in a backend of one's own."""

ClientFactory = Callable[[str, Mapping[str, str]], Any]
"""A boto3 client for a service, by the parameters of the backend's URL (`region`, `endpoint`, …)."""


class Backend(Protocol):
    """Reads and removes files of the backend, by their path below its root."""

    def list(self, folder: str) -> list[str]: ...

    def read(self, path: str) -> bytes | None: ...

    def remove(self, path: str) -> None: ...


@dataclass(frozen=True)
class Folder:
    """`file:///…`"""

    root: Path

    def list(self, folder: str) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in (self.root / folder).glob("*.json"))

    def read(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)


@dataclass(frozen=True)
class Bucket:
    """`s3://bucket/prefix?region=…`"""

    client: Any
    name: str
    prefix: str

    def list(self, folder: str) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=f"{self.prefix}{folder}/"
        )
        keys = [entry["Key"].removeprefix(self.prefix) for page in pages for entry in page.get("Contents", ())]
        return sorted(key for key in keys if key.endswith(".json"))

    def read(self, path: str) -> bytes | None:
        try:
            body: bytes = self.client.get_object(Bucket=self.name, Key=self.prefix + path)["Body"].read()
        except self.client.exceptions.NoSuchKey:
            return None
        return body

    def remove(self, path: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=self.prefix + path)


def open_backend(url: str, client: ClientFactory) -> Backend:
    """The backend at a URL as in the environment file. Raises EngineError for one of another kind."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Folder(Path(parts.path))
    if parts.scheme == "s3":
        prefix = parts.path.strip("/")
        return Bucket(client("s3", dict(parse_qsl(parts.query))), parts.netloc, f"{prefix}/" if prefix else "")
    raise EngineError(f"expected a backend s3://… or file:///…, found {parts.scheme}://…. Correct engine.backend.")


@dataclass(frozen=True)
class Lock:
    """One lock of a stack."""

    path: str
    holder: LockHolder
    stale: bool | None
    """Whether its process is gone; None where that cannot be told, because it ran on another machine."""


def locks(backend: Backend, stack: Stack) -> list[Lock]:
    """All locks of a stack, oldest first: more than one only while two processes try for it at once."""
    found = []
    for path in backend.list(f".pulumi/locks/{ORGANIZATION}/{stack.project}/{stack.name}"):
        content = backend.read(path)
        if content is not None:  # it was given back meanwhile
            found.append(_lock(path, content))
    return sorted(found, key=lambda lock: lock.holder.since)


def _lock(path: str, content: bytes) -> Lock:
    try:
        data = json.loads(content)
        holder = LockHolder(
            pid=data["pid"],
            host=data["hostname"],
            user=data["username"],
            since=datetime.fromisoformat(data["timestamp"]),
            operation="operation",
        )
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(
            f"the lock {path} in Pulumi's backend cannot be read ({type(error).__name__}). Look whether a Pulumi process is "
            "at work; when none is, delete that file."
        ) from error
    if holder.host != socket.gethostname():
        return Lock(path, holder, None)
    command = _command_of(holder)
    if command is None:
        return Lock(path, holder.model_copy(update={"stale": True}), stale=True)
    operation = next((word for word in command if word in OPERATIONS), holder.operation)
    return Lock(path, holder.model_copy(update={"operation": operation}), stale=False)


OPERATIONS = frozenset({"up", "destroy", "refresh", "import", "cancel", "preview"})
"""Pulumi's commands that work on a stack, and may take their time."""


def _command_of(holder: LockHolder) -> list[str] | None:
    """The command line of the process that made the lock; None when it is gone, or its number is another's by now."""
    process = Path("/proc") / str(holder.pid)
    if not Path("/proc/self").exists():
        return [] if _answers(holder.pid) else None
    try:
        # The folder is dated when the kernel was first asked for it, or again after it had forgotten it; the count since boot
        # moves with the clock. Only together they say that it began after the lock was made.
        started = min(process.stat().st_ctime, _started(process))
        command = process.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    if not any(command) or started > holder.since.timestamp() + 1:
        return None  # a zombie, or a process that began after the lock was made
    return command


def _started(process: Path) -> float:
    """When a process began, in seconds since the epoch (proc(5): field 22 of its stat, in ticks since boot)."""
    ticks = int(process.joinpath("stat").read_text().rpartition(")")[2].split()[19])
    boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
