"""The real Pulumi against the sandbox's AWS: our own provider stands for Pulumi's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ils_pipelines.engine.models import OutputValue, Stack, UpResult
from ils_pipelines.engine.protocol import Engine
from ils_pipelines.engine.pulumi import PulumiEngine
from ils_pipelines.settings.engine import EngineSettings
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.loading import read_environment
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_pipelines.stacks.upstream import Upstream
from ils_sandbox.engine import EmbeddedEngine
from ils_sandbox.provider.aws import AwsProvider
from ils_sandbox.provider.process import ProviderProcess, SandboxFinder
from tests.support.aws_server import AwsServer
from tests.support.real_pulumi import needs_pulumi

FILES = Path(__file__).resolve().parents[2] / "environments"
REGION = "us-east-1"
PASSPHRASE = "a passphrase of the tests"


def shipped(name: str) -> Environment:
    found = read_environment(FILES / f"{name}.yaml").environment
    assert found is not None
    return found


@dataclass(frozen=True)
class Site:
    """An engine with an AWS of its own."""

    engine: Engine
    server: AwsServer
    directory: Path

    def stack(self, environment: Environment, layer: Layer) -> Stack:
        """The layer's stack on the outputs of the layers below it, as they are now."""
        upstream = Upstream({below: self.outputs(environment, below) for below in DEPENDS_ON[layer]})
        return Stack(f"ils-{layer}", environment.name, PROGRAMS[layer](environment, upstream))

    def outputs(self, environment: Environment, layer: Layer) -> Mapping[str, OutputValue] | None:
        return self.engine.outputs(Stack(f"ils-{layer}", environment.name, lambda: None))

    def up(self, environment: Environment, layer: Layer) -> UpResult:
        return self.engine.up(self.stack(environment, layer))


def real_engine(directory: Path, endpoint: str, provider: ProviderProcess) -> PulumiEngine:
    home = directory / "home"
    home.mkdir(parents=True, exist_ok=True)
    return PulumiEngine(
        EngineSettings(backend=f"file://{directory}/state"),
        config={"aws:region": REGION},
        environment={**provider.environment, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
        home=home,
        finder=SandboxFinder(endpoint, REGION),
    )


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    needs_pulumi()
    directory = tmp_path_factory.mktemp("real")
    server = AwsServer(directory / "aws").start()
    try:
        with ProviderProcess(server.endpoint, REGION) as provider:
            yield Site(real_engine(directory, server.endpoint, provider), server, directory)
    finally:
        server.end()


def embedded_engine(directory: Path, endpoint: str) -> EmbeddedEngine:
    return EmbeddedEngine(
        directory / "stacks",
        providers={"aws": lambda config: AwsProvider(endpoint, config["region"])},
        config={"aws:region": REGION},
    )


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("embedded")
    server = AwsServer(directory / "aws").start()
    try:
        yield Site(embedded_engine(directory, server.endpoint), server, directory)
    finally:
        server.end()
