"""Who runs a drill: one at a time for each environment and machine, so that what a killed one left is known to be left."""

from __future__ import annotations

import fcntl
import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.folders import state_directory

_DIGITS = 12


class DrillUnderWay(IlsError):
    """Another drill of the environment is at work."""


def holder_id() -> str:
    """This machine and its state folder, as a tag may hold it."""
    return hashlib.sha256(f"{socket.gethostname()} {state_directory()}".encode()).hexdigest()[:_DIGITS]


@contextmanager
def holding(environment: str) -> Iterator[str]:
    """Be the one who runs a drill; the holder's id. The system lets go of the lock when the process ends, however it ends.

    Raises `DrillUnderWay`.
    """
    folder = state_directory() / "drills"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{environment}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DrillUnderWay(
                f"a drill of {environment} is at work on this machine. Wait until it has ended."
            ) from None
        yield holder_id()
