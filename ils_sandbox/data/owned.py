"""Servers written in C, started so that they end with this process, however it ends, and never as root."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ils_pipelines.errors import IlsError

SECONDS_TO_END = 20.0

# The server runs beside a reader of a pipe whose other end only the starting process holds: when that process ends, the
# pipe closes and the server gets the signal. As `ils_sandbox.launch` does for Python, at a hundredth of the memory.
_LIFELINE = """
exec 3<&0 </dev/null
signal=$1; shift
"$@" 3<&- &
server=$!
(read -r _ <&3; kill -s "$signal" "$server") 2>/dev/null &
reader=$!
exec 3<&-
wait "$server"; code=$?
kill "$reader" 2>/dev/null
exit "$code"
"""


class DataServerError(IlsError):
    """A database server could not be started or does not do what it should."""


def unprivileged() -> list[str]:
    """What to put before a command so that it does not see itself as root: PostgreSQL refuses to be.

    A user namespace, in which this user has another name and the same rights to its own files. Changing the user
    instead would cut the server off from a state folder that only its owner may enter.
    Raises `DataServerError` where root has no such thing.
    """
    if os.geteuid() != 0:
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        message = (
            "PostgreSQL refuses to run as root, and this machine has no `unshare` (util-linux) to run it as another "
            "user. Run the sandbox as a normal user."
        )
        raise DataServerError(message)
    nobody = "65534"
    return [unshare, "--user", f"--map-user={nobody}", f"--map-group={nobody}", "--"]


class OwnedProcess:
    """One running server."""

    def __init__(
        self, command: Sequence[str], *, signal_name: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start `command`; `signal_name` (such as `INT`) is what ends it politely; its output goes to `log`."""
        reading, self._lifeline = os.pipe()
        try:
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    ["/bin/sh", "-c", _LIFELINE, "sh", signal_name, *command],
                    stdin=reading,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=None if environment is None else {**os.environ, **environment},
                )
        finally:
            os.close(reading)
        self._open = True

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Ask the server to end and wait until it has. Raises `DataServerError` when it does not."""
        if self._open:
            os.close(self._lifeline)
            self._open = False
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired as stuck:
            message = f"a server (pid {self._process.pid}) does not end within {SECONDS_TO_END:.0f} s"
            raise DataServerError(message) from stuck
