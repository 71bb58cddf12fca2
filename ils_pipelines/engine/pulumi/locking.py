"""Who holds a stack, and taking the lock of a process that is gone."""

from __future__ import annotations

from collections.abc import Collection

from ils_pipelines.engine.errors import EngineError, StackLocked
from ils_pipelines.engine.models import LockHolder, Stack
from ils_pipelines.engine.pulumi.backend import Backend, locks


def holder(backend: Backend, stack: Stack) -> LockHolder | None:
    """Who holds the stack; `stale` when that process is gone."""
    found = locks(backend, stack)
    return found[0].holder if found else None


def unlock(backend: Backend, stack: Stack, *, force: bool) -> LockHolder | None:
    """Remove the locks of processes that are gone; whose it was, or None when there was none.

    Raises `StackLocked` while a holder is at work on this machine, and EngineError for one on another machine, which cannot
    be looked at from here, unless `force` says that somebody looked.
    """
    found = locks(backend, stack)
    for lock in found:
        if lock.stale is False:
            raise StackLocked(str(stack), lock.holder)
        if lock.stale is None and not force:
            raise EngineError(
                f"the lock of {stack} was made by process {lock.holder.pid} of {lock.holder.user} on {lock.holder.host}, "
                f"{lock.holder.since:%Y-%m-%d %H:%M:%S} UTC, which cannot be looked at from here. Make sure that it is gone, "
                "then say so with --force."
            )
    for lock in found:
        backend.remove(lock.path)
    return found[0].holder if found else None


def give_back(backend: Backend, stack: Stack, pids: Collection[int]) -> None:
    """Remove the locks of processes that were ours, `pids`, and have ended.

    Pulumi takes the lock a moment before it listens for interrupts, and gives it back a moment after (pulumi/pulumi
    pkg/backend/diy/backend.go): one that comes in between ends it with the lock still there.
    """
    for lock in locks(backend, stack):
        if lock.stale and lock.holder.pid in pids:
            backend.remove(lock.path)
