"""What holds for every test.

Two processes share out the tests, and one may take a module's last tests before its first, or come back to a module: what a
module's fixture makes on a server of several modules it takes away again, or it is made once for the process (`session`).
"""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ils_sandbox.control.recording import RECORD_VARIABLE
from ils_sandbox.target import CALLER_VARIABLE

# How fast this machine is today is no property of the code.
settings.register_profile("ils", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ils")

# Tests meddle with what is in a sandbox. Only what they open for a family of jobs, and `ils`, calls what the product calls.
os.environ[CALLER_VARIABLE] = "tests"


MORE_OPEN_FILES = 300
"""How many more than after the last look for garbage make another one worth while."""
KEPT_OPEN = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-calls",
        metavar="FOLDER",
        type=Path,
        help="have every sandbox write there which calls it gets, for the policies: python -m tools.iam --suite FOLDER",
    )


def pytest_configure(config: pytest.Config) -> None:
    folder = config.getoption("--record-calls")
    if folder is not None:
        os.environ[RECORD_VARIABLE] = str(folder.absolute())


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: looking through it for garbage is a sixth of what the tests cost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Looked for so seldom, garbage would hold on to more files and connections than a process may have."""
    stash = item.config.stash
    if _open_files() > stash.get(KEPT_OPEN, 0) + MORE_OPEN_FILES:
        gc.collect()
        stash[KEPT_OPEN] = _open_files()


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())
