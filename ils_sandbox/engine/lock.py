"""The lock of a stack: one operation at a time, with the holder's name.

An advisory lock of the operating system (flock) decides, and its holder is written into the file for people to read. The
system lets go of it when its process ends, however it ends, so a lock left behind by a killed run is never in the way
and never has to be broken.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from ils_pipelines.engine.errors import StackLocked
from ils_pipelines.engine.models import LockHolder

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02


@contextmanager
def hold(path: Path, stack: str, operation: str) -> Iterator[LockHolder | None]:
    """Hold the stack's lock; yields the holder that an interrupted run left in the file, if any.

    Raises StackLocked, naming the holder, when another process or thread has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        if not _acquire(file):
            raise StackLocked(stack, _read(path) or _unknown_holder(operation))
        interrupted = _read(path)
        _write(file.fileno(), _myself(operation).model_dump_json())
        try:
            yield interrupted
        finally:
            _write(file.fileno(), "")
            fcntl.flock(file, fcntl.LOCK_UN)


def _acquire(file: IO[str]) -> bool:
    """Try for a tenth of a second: `holder` takes a shared lock for some microseconds to see whether it is free."""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        return True
    return False


def holder(path: Path) -> LockHolder | None:
    """Who holds the lock now; None when nobody does."""
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(path) or _unknown_holder("an operation")
            fcntl.flock(file, fcntl.LOCK_UN)
    except FileNotFoundError:
        return None
    return None


def _myself(operation: str) -> LockHolder:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = str(os.getuid())
    return LockHolder(
        pid=os.getpid(), host=socket.gethostname(), user=user, since=datetime.now(UTC), operation=operation
    )


def _unknown_holder(operation: str) -> LockHolder:
    """Between taking the lock and writing its name a holder is nameless for some microseconds."""
    return LockHolder(pid=0, host=socket.gethostname(), user="somebody", since=datetime.now(UTC), operation=operation)


def _read(path: Path) -> LockHolder | None:
    try:
        return LockHolder.model_validate(json.loads(path.read_text()))
    except (ValueError, ValidationError):
        return None


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
