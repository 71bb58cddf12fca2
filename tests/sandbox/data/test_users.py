"""PostgreSQL refuses to be root; the sandbox may be anybody."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ils_sandbox.data.owned import unprivileged

# Makes a database server, asks it something, and ends it.
SCRIPT = """
import sys
from pathlib import Path
from ils_sandbox.data.postgres.storage import Storage
from ils_sandbox.data.records import Login

folder = Path(sys.argv[1])
storage = Storage(folder, template=folder, socket_folder=folder / "s")
storage.make_empty(Login(user="ils", verifier=""), "ilsdb")
with storage.server.administrator("ilsdb") as session:
    print(session.execute("SELECT 6 * 7").fetchone()[0])
storage.stop()
"""


def _ask(folder: Path, *before: str) -> str:
    command = [*before, sys.executable, "-c", SCRIPT, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_user_who_starts_it_has_a_database(tmp_path: Path) -> None:
    assert _ask(tmp_path) == "42"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_as_somebody_else_has_a_database(tmp_path: Path) -> None:
    assert _ask(tmp_path, *unprivileged()) == "42"
