"""The engines that keep the contract. A second implementation is one more entry of `ENGINES`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.protocol import Engine
from ils_sandbox.engine import EmbeddedEngine
from tests.contract.engine.lab import LabProvider, World


def embedded(directory: Path, world: World) -> Engine:
    return EmbeddedEngine(directory, providers={"lab": lambda _config: LabProvider(world)}, config={"lab:zone": "a"})


ENGINES: dict[str, Callable[[Path, World], Engine]] = {"embedded": embedded}


@dataclass
class Lab:
    """One engine with a world to work on."""

    kind: str
    directory: Path
    world: World
    engine: Engine

    def stack(self, program: Callable[[], None], name: str = "dev", project: str = "lab-project") -> Stack:
        return Stack(project, name, program)

    def restarted(self) -> Engine:
        """The engine as a new process would have it."""
        self.engine = ENGINES[self.kind](self.directory, self.world)
        return self.engine


@pytest.fixture(params=sorted(ENGINES))
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    world = World(tmp_path / "world.sqlite")
    directory = tmp_path / "stacks"
    return Lab(request.param, directory, world, ENGINES[request.param](directory, world))
