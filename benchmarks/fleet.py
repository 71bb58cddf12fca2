"""Many small environments in one sandbox of its own."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ils_pipelines.settings.loading import environments_directory

ILS = Path(sys.executable).with_name("ils")


def name_of(number: int) -> str:
    return f"env-{number:02d}"


def small(number: int) -> dict[str, Any]:
    """The file of the environment of this number, from 1 to 99: dev's, with a network and a domain of its own."""
    name = name_of(number)
    document: dict[str, Any] = yaml.safe_load((environments_directory() / "dev.yaml").read_text())
    network = document["network"]

    def moved(cidr: str) -> str:
        return cidr.replace("10.0.", f"10.{number}.", 1)

    network["cidr"] = moved(network["cidr"])
    for kind in ("public_subnets", "private_subnets"):
        network[kind] = [moved(cidr) for cidr in network[kind]]
    document["load_balancer"]["domain"] = f"{name}.ils.example.com"
    return {**document, "name": name}


@dataclass(frozen=True)
class Fleet:
    """A running sandbox, and the folder of its environments' files."""

    folder: Path
    environment: Mapping[str, str]
    """Variables of every process."""

    @property
    def names(self) -> Sequence[str]:
        return sorted(file.stem for file in (self.folder / "environments").glob("*.yaml"))

    def add_up_to(self, count: int) -> Sequence[str]:
        """Write the files that are missing. Provisions nothing."""
        before = set(self.names)
        for number in range(1, count + 1):
            if name_of(number) not in before:
                file = self.folder / "environments" / f"{name_of(number)}.yaml"
                file.write_text(yaml.safe_dump(small(number), sort_keys=False))
        return [name for name in self.names if name not in before]

    def ils(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(ILS), *arguments], env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"ils {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}")

    def look(self, job: str, *names: str) -> dict[str, float]:
        """Run a job of `benchmarks.look` over environments, one after the other in one process. Returns what it measured."""
        found: dict[str, float] = self.measured("-m", "benchmarks.look", job, *names)
        return found

    def measured(self, *arguments: str) -> Any:
        """Run Python. Returns the JSON document of the last line that it prints; raises RuntimeError when it fails."""
        done = subprocess.run(
            [sys.executable, *arguments], env=dict(self.environment), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)[:200]}: {done.returncode}\n{done.stderr[-4000:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def calls(self, work: Callable[[], object]) -> Counter[str]:
        """What `work` asked of AWS and Kubernetes: how often by `service operation`."""
        for server in ("aws", "kubernetes"):
            self._control(server, "DELETE")
        work()
        found = [each for server in ("aws", "kubernetes") for each in json.loads(self._control(server, "GET"))]
        return Counter(f"{each['service']} {each['operation']}" for each in found)

    def _control(self, server: str, method: str) -> bytes:
        state = json.loads((self.folder / "state" / "sandbox" / "sandbox.json").read_text())[server]
        context = ssl.create_default_context(cafile=state["ca_file"]) if server == "kubernetes" else None
        request = urllib.request.Request(f"{state['endpoint']}/_sandbox/requests", method=method)
        with urllib.request.urlopen(request, context=context) as response:
            answer: bytes = response.read()
        return answer


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    """A sandbox without environments, stopped at the end."""
    (folder / "environments").mkdir(parents=True)
    variables = {
        **os.environ,
        "ILS_ENVIRONMENTS_DIR": str(folder / "environments"),
        "ILS_STATE_DIR": str(folder / "state"),
        "DAGSTER_HOME": str(folder / "dagster"),
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    made = Fleet(folder, variables)
    made.ils("sandbox", "start")
    try:
        yield made
    finally:
        made.ils("sandbox", "stop")
