"""Sandboxes of their own, each in its own state folder, on whatever ports are free; gone after the test."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ils_sandbox.processes import is_running
from ils_sandbox.state import SandboxFiles, SandboxState, lock_holder

COMMAND = "from ils_sandbox.cli import app; app()"


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Sandbox:
    """`ils sandbox …` for one state folder."""

    directory: Path

    @property
    def files(self) -> SandboxFiles:
        return SandboxFiles(self.directory)

    @property
    def state(self) -> SandboxState:
        state = SandboxState.load(self.directory)
        assert state is not None, "the sandbox is down"
        return state

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "ILS_STATE_DIR": str(self.directory)},
        )

    def run(self, *arguments: str) -> Finished:
        process = self.begin(*arguments)
        out, err = process.communicate(timeout=120)
        return Finished(process.returncode, out, err)

    def start(self, *arguments: str) -> Finished:
        """Start without Kubernetes: half the processes, and all that most tests here are about."""
        finished = self.run("start", "--no-kubernetes", "--json", *arguments)
        assert finished.code == 0, finished
        return finished

    def log(self, name: str) -> str:
        return (self.files.logs / f"{name}.log").read_text()


def poll(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., None]:
    return poll


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path / "state")
    yield made
    _end(made)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Sandbox]]:
    """Makes sandboxes for several tests of a module, down yet."""
    made: list[Sandbox] = []

    def make(name: str) -> Sandbox:
        made.append(Sandbox(tmp_path_factory.mktemp(name) / "state"))
        return made[-1]

    yield make
    for each in made:
        _end(each)


@pytest.fixture(scope="module")
def shared(shared_folder: Callable[[str], Sandbox]) -> Sandbox:
    """One for all tests of a module that leave it as they found it."""
    return shared_folder("shared")


@pytest.fixture
def neighbours(tmp_path: Path) -> Iterator[list[Sandbox]]:
    """Two sandboxes in folders of their own."""
    made = [Sandbox(tmp_path / f"neighbour-{number}") for number in range(2)]
    yield made
    for each in made:
        _end(each)


def _end(sandbox: Sandbox) -> None:
    supervisor = lock_holder(sandbox.files.lock)
    if supervisor:
        os.kill(supervisor, signal.SIGTERM)
        poll(lambda: not is_running(supervisor), "the supervisor ends")
    shutil.rmtree(sandbox.directory, ignore_errors=True)
