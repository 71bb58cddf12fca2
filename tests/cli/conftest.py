"""The console script, run as a person runs it: in a process of its own, on a state folder of its own."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from ils_pipelines.settings.loading import environments_directory
from ils_sandbox.state import SandboxState
from ils_sandbox.target import CALLER_VARIABLE

ILS = Path(sys.executable).with_name("ils")
RUN_SECONDS = 240


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        document = json.loads(self.stdout)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True)
class Terminal:
    """A place to run `ils` in, with environment files and a state folder of its own."""

    root: Path

    @property
    def environments(self) -> Path:
        return self.root / "environments"

    @property
    def state(self) -> Path:
        return self.root / "state"

    @property
    def variables(self) -> dict[str, str]:
        kept = {
            key: value for key, value in os.environ.items() if key not in {"DAGSTER_HOME", "COLUMNS", CALLER_VARIABLE}
        }
        return {**kept, "ILS_ENVIRONMENTS_DIR": str(self.environments), "ILS_STATE_DIR": str(self.state)}

    @property
    def dagster_home(self) -> Path:
        return self.state / "dagster"

    def sandbox_state(self) -> SandboxState:
        state = SandboxState.load(self.state)
        assert state is not None, "the sandbox is down"
        return state

    def control(self, server: Literal["aws", "kubernetes"], method: str, path: str, body: object = None) -> Any:
        """Call the control API of one of the sandbox's servers; its calls are neither counted nor delayed."""
        state = self.sandbox_state()
        endpoint = getattr(state, server).endpoint
        context = ssl.create_default_context(cafile=state.kubernetes.ca_file) if server == "kubernetes" else None
        request = urllib.request.Request(
            f"{endpoint}/_sandbox/{path}",
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, context=context, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def slow_down(self, seconds_per_minute: float) -> None:
        """How long a minute of what AWS usually takes to create something lasts here."""
        settings = {"latency_seconds": 0.0, "seconds_per_minute": seconds_per_minute}
        self.control("aws", "PUT", "settings", settings)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it. Whoever calls this ends the process."""
        return subprocess.Popen(
            [str(ILS), *arguments],
            cwd=self.root,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ils(self, *arguments: str) -> Finished:
        process = self.start(*arguments)
        try:
            stdout, stderr = process.communicate(timeout=RUN_SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        return Finished(process.returncode, stdout, stderr)


def make_terminal(root: Path) -> Terminal:
    shutil.copytree(environments_directory(), root / "environments")
    return Terminal(root)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal with the shipped environments and no sandbox."""
    return make_terminal(tmp_path)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal with a running, empty sandbox, which is stopped after the module's tests."""
    terminal = make_terminal(tmp_path_factory.mktemp("sandbox"))
    started = terminal.ils("sandbox", "start")
    assert started.code == 0, started.stderr
    yield terminal
    stopped = terminal.ils("sandbox", "stop")
    assert stopped.code == 0, stopped.stderr
