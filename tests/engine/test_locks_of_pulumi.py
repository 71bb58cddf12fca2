"""Which locks of Pulumi's backend are given back for it, when an interrupt ended it before it could."""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.pulumi.backend import Backend, locks, open_backend
from ils_pipelines.engine.pulumi.locking import give_back

STACK = Stack("ils-vpc", "dev", lambda: None)


def no_client(*_: Any) -> Any:
    raise AssertionError("a folder needs no client")


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return open_backend(f"file://{tmp_path}", no_client)


@pytest.fixture
def lock(tmp_path: Path) -> Callable[..., Path]:
    def make(pid: int, host: str = "") -> Path:
        path = tmp_path / ".pulumi" / "locks" / "organization" / STACK.project / STACK.name / f"{uuid4()}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = {"pid": pid, "hostname": host or socket.gethostname(), "username": getpass.getuser()}
        path.write_text(json.dumps({**holder, "timestamp": datetime.now(UTC).isoformat()}))
        return path

    return make


def ended() -> int:
    """The number of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_process_of_ours_that_has_ended_is_given_back(
    backend: Backend, lock: Callable[..., Path]
) -> None:
    pid = ended()
    lock(pid)
    give_back(backend, STACK, [pid])
    assert locks(backend, STACK) == []


def test_nobody_elses_lock_is_touched_though_its_process_is_gone(backend: Backend, lock: Callable[..., Path]) -> None:
    path = lock(ended())
    give_back(backend, STACK, [ended()])
    assert path.exists()


def test_a_lock_whose_process_is_at_work_is_not_touched(backend: Backend, lock: Callable[..., Path]) -> None:
    path = lock(os.getpid())
    give_back(backend, STACK, [os.getpid()])
    assert path.exists()


def test_a_lock_of_another_machine_is_not_touched(backend: Backend, lock: Callable[..., Path]) -> None:
    pid = ended()
    path = lock(pid, host="elsewhere")
    give_back(backend, STACK, [pid])
    assert path.exists()
