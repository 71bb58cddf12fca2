"""A sandbox of its own for each test process, driven by the `ils` command as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_sandbox.control.recording import RECORD_VARIABLE
from ils_sandbox.server import stop
from ils_sandbox.target import CALLER_VARIABLE, PROVISIONS, SandboxTarget
from tests.support.aws_inventory import inventory
from tests.support.families import not_allowed

ILS = Path(sys.executable).with_name("ils")


class LocalSandbox:
    """`ils` with a state folder of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {**os.environ, "ILS_STATE_DIR": str(directory)}
        self.env.pop("DAGSTER_HOME", None)
        self.env.pop(CALLER_VARIABLE, None)
        self._calls = Path(f"{directory}-calls")
        self.env.setdefault(RECORD_VARIABLE, str(self._calls))

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(ILS), *arguments], env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more
        )

    def ils(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run to the end, and expect that exit code."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=300)
        assert process.returncode == code, f"ils {' '.join(arguments)}: {process.returncode}\n{output}\n{errors}"
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def provision(self, environment: str) -> None:
        """As `ils up` makes it, layer after layer, without a process that imports everything anew."""
        with pytest.MonkeyPatch.context() as variables:
            for name in ("ILS_STATE_DIR", "ILS_ENVIRONMENTS_DIR"):
                if name in self.env:
                    variables.setenv(name, self.env[name])
            target = SandboxTarget(load_environment(environment), caller=PROVISIONS)
            for layer in Layer:
                layer_work(target, layer).up()

    def end(self) -> None:
        """Stop the sandbox. Whatever tests had the product do, its families called nothing that their policies refuse."""
        stop(self.directory)
        assert not_allowed(self._calls) == [], (
            "an action: record the test, with --record-calls=FOLDER, and: python -m tools.iam --suite FOLDER; a resource: "
            "give it in the tables of tools/iam, or mend the call"
        )

    def ils_json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.ils(*arguments, "--json", code=code).stdout)

    @property
    def endpoints(self) -> dict[str, str]:
        state = json.loads((self.directory / "sandbox" / "sandbox.json").read_text())
        return {server: state[server]["endpoint"] for server in ("aws", "kubernetes") if state[server]}

    def control(self, path: str, body: Any = None, *, method: str | None = None, server: str = "aws") -> Any:
        request = urllib.request.Request(
            f"{self.endpoints[server]}/_sandbox/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method or ("GET" if body is None else "PUT"),
        )
        with urllib.request.urlopen(request, context=self._tls(server)) as response:
            return json.loads(response.read() or b"null")

    def _tls(self, server: str) -> Any:
        if server == "aws":
            return None
        import ssl

        state = json.loads((self.directory / "sandbox" / "sandbox.json").read_text())
        return ssl.create_default_context(cafile=state["kubernetes"]["ca_file"])

    def forget_requests(self) -> None:
        for server in ("aws", "kubernetes"):
            self.control("requests", method="DELETE", server=server)

    def requests(self, *, mutating: bool | None = None) -> list[dict[str, Any]]:
        """Requests to both servers since `forget_requests`, in the order in which they came."""
        found = [*self.control("requests"), *self.control("requests", server="kubernetes")]
        return sorted(
            (request for request in found if mutating is None or request["mutating"] is mutating),
            key=lambda request: str(request["started"]),
        )

    def inventory(self) -> Counter[str]:
        """How many objects of each kind live in the emulated account."""
        return inventory(self.endpoints["aws"])

    def reset(self) -> None:
        self.ils("sandbox", "reset")

    def checkpoint(self, layer: str, environment: str = "dev") -> Path:
        return self.directory / "stacks" / f"ils-{layer}" / f"{environment}.json"


@pytest.fixture(scope="session")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSandbox]:
    sandbox = LocalSandbox(tmp_path_factory.mktemp("ils"))
    sandbox.ils("sandbox", "start")
    yield sandbox
    sandbox.end()


@pytest.fixture
def sandbox(_started: LocalSandbox) -> LocalSandbox:
    """An empty sandbox."""
    _started.reset()
    return _started


@pytest.fixture
def with_dev(_started: LocalSandbox) -> LocalSandbox:
    """A sandbox with the whole of `dev` in it, perhaps from a test before; whoever takes this leaves all of it or nothing."""
    _started.control("settings", {"seconds_per_minute": 0.0, "latency_seconds": 0.0})
    if not all(_started.checkpoint(layer).exists() for layer in PROGRAMS):
        _started.ils("up", "dev")
    return _started


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for a condition; fail, saying for what, when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)
