"""The files of a new database server, made once for each state folder and copied from then on."""

from __future__ import annotations

import shutil
import subprocess
import threading
from pathlib import Path

from ils_sandbox.data.owned import DataServerError, unprivileged
from ils_sandbox.data.postgres.binaries import program

ADMINISTRATOR = "rdsadmin"
"""The superuser, as on RDS: the sandbox's own, and nobody else's."""
WAL_SEGMENT_MEGABYTES = 1
"""Small, so that little is copied where little was written."""

_lock = threading.Lock()


def ensure_template(folder: Path) -> Path:
    """The files of an empty server, which was ended as it should; kept in `folder` and never changed."""
    ready = folder / "template"
    with _lock:
        if not ready.exists():
            _make(folder, ready)
    return ready


def _make(folder: Path, ready: Path) -> None:
    making = folder / "template.part"
    shutil.rmtree(making, ignore_errors=True)
    command = [
        # Mostly made before anybody asks for it: whatever else is under way comes first.
        "nice", *unprivileged(), str(program("initdb")), "--pgdata", str(making), "--username", ADMINISTRATOR,
        "--auth-local", "trust", "--auth-host", "reject", "--encoding", "UTF8", "--locale", "C.UTF-8",
        "--wal-segsize", str(WAL_SEGMENT_MEGABYTES), "--no-sync", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        message = f"initdb failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-500:]}"
        raise DataServerError(message)
    making.rename(ready)
