"""One sandbox for all tests of a process, with dev and a staging without approval in it, and files of their own."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.settings.loading import environments_directory, load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox


@dataclass(frozen=True)
class Terminal:
    """A person's terminal: the sandbox, and environment files that may be edited."""

    sandbox: LocalSandbox
    files: Path

    def ils(self, *arguments: str, code: int = 0) -> Any:
        return self.sandbox.ils(*arguments, code=code)

    def edit(self, environment: str, old: str, new: str) -> None:
        file = self.files / f"{environment}.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def target(self, environment: str) -> Target:
        with pytest.MonkeyPatch.context() as variables:
            variables.setenv("ILS_STATE_DIR", str(self.sandbox.directory))
            variables.setenv("ILS_ENVIRONMENTS_DIR", str(self.files))
            return open_target(load_environment(environment))


@pytest.fixture(scope="session")
def _provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    files = tmp_path_factory.mktemp("environments")
    for name in ("dev", "staging"):
        text = (environments_directory() / f"{name}.yaml").read_text()
        (files / f"{name}.yaml").write_text(text.replace("requires_approval: true", "requires_approval: false"))
    sandbox = LocalSandbox(tmp_path_factory.mktemp("releases"))
    sandbox.env["ILS_ENVIRONMENTS_DIR"] = str(files)
    # Two sandboxes that start at the same moment may choose the same port, and one of them goes down.
    with (tmp_path_factory.getbasetemp().parent / "sandbox-start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sandbox.ils("sandbox", "start")
    for name in ("dev", "staging"):
        sandbox.provision(name)
    yield Terminal(sandbox, files)
    sandbox.end()


@pytest.fixture
def terminal(_provisioned: Terminal) -> Iterator[Terminal]:
    """Files are as they were afterwards; what is released is each test's to put back."""
    before = {file: file.read_text() for file in _provisioned.files.iterdir()}
    yield _provisioned
    for file, text in before.items():
        file.write_text(text)
