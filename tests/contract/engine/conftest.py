"""The engines that keep the contract. A second implementation is one more entry of `ENGINES`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.engine.protocol import Engine
from ils_pipelines.engine.pulumi import PulumiEngine
from ils_pipelines.engine.pulumi.adoption import Finder
from ils_pipelines.settings.engine import EngineSettings
from ils_sandbox.engine import EmbeddedEngine
from ils_sandbox.engine.secrets import open_crypter
from tests.contract.engine.lab import INTERRUPT, LabProvider, World
from tests.support.real_pulumi import needs_pulumi

CONFIG = {"lab:zone": "a"}


def embedded(directory: Path, world: World, config: Mapping[str, str] = CONFIG) -> Engine:
    return EmbeddedEngine(directory, providers={"lab": lambda found: LabProvider(world, found)}, config=config)


def pulumi(
    directory: Path, world: World, config: Mapping[str, str] = CONFIG, *, finder: Finder | None = None
) -> Engine:
    """The real Pulumi with its state in a folder, attached to the lab's provider."""
    from tests.contract.engine.lab_server import LabFinder, LabServer

    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    return PulumiEngine(
        EngineSettings(backend=f"file://{directory}/state"),
        config=config,
        environment={
            "PULUMI_CONFIG_PASSPHRASE": "a passphrase of the tests",
            "PULUMI_DEBUG_PROVIDERS": f"lab:{LabServer(world).port}",
        },
        home=home,
        finder=finder or LabFinder(world),
    )


ENGINES: dict[str, Callable[..., Engine]] = {"embedded": embedded, "pulumi": pulumi}


@dataclass
class Lab:
    """One engine with a world to work on."""

    kind: str
    directory: Path
    world: World
    engine: Engine

    def stack(self, program: Callable[[], None], name: str = "dev", project: str = "lab-project") -> Stack:
        return Stack(project, name, program)

    def interrupted(self) -> None:
        """Have `INTERRUPT` happen once the engine knows that it is to stop: at once for one in this process, whose event is
        set. Pulumi says so itself."""
        if self.kind == "embedded":
            self.world.come(INTERRUPT, "the test")

    def restarted(self, **config: str) -> Engine:
        """The engine as a new process would have it, with `config` for the lab's provider."""
        given = {f"lab:{key}": value for key, value in config.items()}
        self.engine = ENGINES[self.kind](self.directory, self.world, CONFIG | given)
        return self.engine


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key file of the embedded engine: deriving a key takes longer than most of what the tests do with it."""
    file = tmp_path_factory.mktemp("key") / "key.json"
    open_crypter(file)
    return file


@pytest.fixture(params=["embedded", pytest.param("pulumi", marks=[pytest.mark.real_engine, pytest.mark.slow])])
def lab(request: pytest.FixtureRequest, tmp_path: Path, key: Path) -> Lab:
    world = World(tmp_path / "world.sqlite")
    directory = tmp_path / "stacks"
    if request.param == "pulumi":
        needs_pulumi()
    else:
        directory.mkdir()
        shutil.copy(key, directory)
    return Lab(request.param, directory, world, ENGINES[request.param](directory, world))
