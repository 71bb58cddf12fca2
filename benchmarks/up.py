"""`ils up dev` against a bare script that makes the same calls to AWS and Kubernetes one after the other.

Each pair starts from an empty sandbox. With 100 ms added to every call ours must win: it makes independent calls at the
same time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from benchmarks.timing import HEADER, ratio, row, wall

PAIRS = 3
LATENCY_SECONDS = 0.1
FIRST = "first.json"
ILS = str(Path(sys.executable).with_name("ils"))


class Sandbox:
    """A sandbox of its own, in a folder of its own."""

    def __init__(self, directory: str) -> None:
        self.env = {**os.environ, "ILS_STATE_DIR": directory}
        self._file = Path(directory) / "sandbox" / "sandbox.json"
        self.ils("sandbox", "start")

    def ils(self, *arguments: str) -> None:
        subprocess.run([ILS, *arguments], env=self.env, check=True, capture_output=True)

    @property
    def endpoint(self) -> str:
        return str(json.loads(self._file.read_text())["aws"]["endpoint"])

    def empty(self, latency: float = 0.0) -> None:
        self.ils("sandbox", "reset")
        self.set_latency(latency)

    def set_latency(self, seconds: float) -> None:
        body = json.dumps({"latency_seconds": seconds}).encode()
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/settings", data=body, method="PUT")
        urllib.request.urlopen(request).close()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        sandbox = Sandbox(directory)
        try:
            _measure(sandbox, Path(directory))
        finally:
            sandbox.ils("sandbox", "stop")


def _measure(sandbox: Sandbox, directory: Path) -> None:
    first, again = directory / FIRST, directory / "again.json"
    for file in (first, again):
        recording = [sys.executable, "-m", "benchmarks.recorded", "record", str(file), "up", "dev"]
        subprocess.run(recording, env=sandbox.env, check=True, capture_output=True)
    print(f"ils up dev: {_count(first)} calls on an empty sandbox, {_count(again)} when nothing changed")
    print(HEADER)
    _pairs(sandbox, first, again, "", 0.0)
    _pairs(sandbox, first, again, ", 100 ms a call", LATENCY_SECONDS)


def _pairs(sandbox: Sandbox, first: Path, again: Path, suffix: str, latency: float) -> None:
    up: list[float] = []
    no_change: list[float] = []
    bare_up: list[float] = []
    bare_no_change: list[float] = []
    for _ in range(PAIRS):
        sandbox.empty(latency)
        bare_up.append(wall(_replay(first, sandbox), sandbox.env))
        bare_no_change.append(wall(_replay(again, sandbox), sandbox.env))
        sandbox.empty(latency)
        up.append(wall([ILS, "up", "dev", "--json"], sandbox.env))
        no_change.append(wall([ILS, "up", "dev", "--json"], sandbox.env))
    print(row(f"bare script, empty sandbox{suffix}", bare_up))
    print(row(f"ils up dev, empty sandbox{suffix}", up))
    print(ratio("  ratio", up, bare_up))
    print(row(f"bare script, no change{suffix}", bare_no_change))
    print(row(f"ils up dev, no change{suffix}", no_change))
    print(ratio("  ratio", no_change, bare_no_change))


def _replay(file: Path, sandbox: Sandbox) -> list[str]:
    ids = file.with_name("ids.json")
    if file.name == FIRST:
        ids.unlink(missing_ok=True)
    return [sys.executable, "-m", "benchmarks.recorded", "replay", str(file), sandbox.endpoint, str(ids)]


def _count(file: Path) -> int:
    return len(json.loads(file.read_text()))
