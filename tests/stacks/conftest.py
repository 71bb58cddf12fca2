"""Programs run against Pulumi's mock monitor, which records what they register."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi.runtime
import pytest
from pulumi.runtime import mocks, rpc, settings

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import DEPENDS_ON, Layer
from ils_pipelines.settings.loading import read_environment
from ils_pipelines.stacks.catalog import PROGRAMS
from ils_pipelines.stacks.upstream import Upstream

FILES = Path(__file__).resolve().parents[2] / "environments"
TIERS = ("dev", "staging", "production")
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Registered:
    """One resource a program declared, as the engine is told about it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    urn: str
    parent: str
    provider: str
    """URN and id of the provider it was declared with; empty for the default one."""
    protect: bool
    ignore_changes: tuple[str, ...]
    dependencies: frozenset[str]
    secret_outputs: tuple[str, ...]

    @property
    def component(self) -> bool:
        return not self.type.startswith("aws:")


@dataclass
class Run:
    """What one run of a program declared, exported and asked."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: frozenset[str] = frozenset()
    calls: list[str] = field(default_factory=list)

    def of(self, kind: str) -> list[Registered]:
        """The resources of a type, by its last part, e.g. `Subnet`."""
        return [resource for resource in self.resources if resource.type.split(":")[-1] == kind]

    def one(self, kind: str, name: str | None = None) -> Registered:
        (found,) = [resource for resource in self.of(kind) if name is None or resource.name == name]
        return found

    @property
    def managed(self) -> list[Registered]:
        """All but components."""
        return [resource for resource in self.resources if not resource.component]


class Cloud(mocks.Mocks):
    """Answers as AWS would, as far as programs look at the answers."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        answer = dict(args.inputs)
        kind = args.typ.split(":")[-1]
        answer["arn"] = f"arn:aws:mock:us-east-1:{ACCOUNT}:{kind}/{args.name}"
        computed: dict[str, dict[str, Any]] = {
            "Cluster": {
                "endpoint": "https://endpoint",
                "readerEndpoint": "reader",
                "certificateAuthority": {"data": "Q0E="},
                "identities": [{"oidcs": [{"issuer": "https://issuer"}]}],
                "masterUserSecrets": [{"secretArn": "arn:master", "kmsKeyId": "k", "secretStatus": "active"}],
            },
            "Key": {"keyId": f"{args.name}-key"},
            "ReplicaKey": {"keyId": f"{args.name}-key"},
            "LaunchTemplate": {"latestVersion": 1},
            "ReplicationGroup": {"primaryEndpointAddress": "primary", "readerEndpointAddress": "reader"},
            "LoadBalancer": {"arnSuffix": "app/name/id", "dnsName": "name.elb.amazonaws.com", "zoneId": "Z1"},
            "Certificate": {
                "domainValidationOptions": [
                    {
                        "domainName": args.inputs.get("domainName"),
                        "resourceRecordName": "_asked.ils.example.com.",
                        "resourceRecordType": "CNAME",
                        "resourceRecordValue": "_proof.acm-validations.aws.",
                    }
                ]
            },
            "Record": {"fqdn": str(args.inputs.get("name", "")).rstrip(".")},
            "TargetGroup": {"arnSuffix": "targetgroup/name/id"},
            "Workspace": {"prometheusEndpoint": "https://aps-workspaces.us-east-1.amazonaws.com/workspaces/ws-1/"},
            "Eip": {"publicIp": "198.51.100.7"},
        }
        answer.update(computed.get(kind, {}))
        if kind == "Cluster" and "vpcConfig" in answer:
            answer["vpcConfig"] = {**answer["vpcConfig"], "clusterSecurityGroupId": "sg-eks"}
        return f"{args.name}-id", answer

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        self._run.calls.append(args.token)
        return {"accountId": ACCOUNT, "zoneId": "Z2"}


class Recorder(mocks.MockMonitor):
    """Pulumi's mock monitor, keeping the options of each registration and leaving computed values out of previews."""

    def __init__(self, run: Run, preview: bool) -> None:
        super().__init__(Cloud(run))
        self._run = run
        self._preview = preview

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the name of the call
        if "::pulumi:pulumi:Stack::" in request.urn:
            values = rpc.deserialize_properties(request.outputs, keep_unknowns=True)
            self._run.secret_outputs = frozenset(name for name, value in values.items() if rpc.is_rpc_secret(value))
            self._run.outputs = {name: rpc.unwrap_rpc_secret(value) for name, value in values.items()}
        return super().RegisterResourceOutputs(request)

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the call
        response = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return response
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        self._run.resources.append(
            Registered(
                type=request.type,
                name=request.name,
                inputs={name: rpc.unwrap_rpc_secret(value) for name, value in inputs.items()},
                secret_inputs=frozenset(name for name, value in inputs.items() if rpc.is_rpc_secret(value)),
                urn=response.urn,
                parent=request.parent,
                provider=request.provider,
                protect=request.protect,
                ignore_changes=tuple(request.ignoreChanges),
                dependencies=frozenset(request.dependencies),
                secret_outputs=tuple(request.additionalSecretOutputs),
            )
        )
        if self._preview:
            # As of an engine: nothing exists, so that only the inputs are known.
            return type(response)(urn=response.urn, object=request.object)
        return response


def _run(environment: Environment, layer: Layer, upstream: Upstream, preview: bool, run: Run) -> None:
    settings.ROOT.set(None)
    monitor = Recorder(run, preview)
    features = set(monitor.GetDeploymentInfo(None).supportedFeatures)
    configured = mocks.MockSettings(
        monitor=monitor,
        monitor_features=features,
        engine=mocks.MockEngine(None),
        project=f"ils-{layer}",
        stack=environment.name,
        dry_run=preview,
        organization="organization",
        callbacks=None,
    )
    settings.configure(configured)
    program = PROGRAMS[layer](environment, upstream)

    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(program))
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def run_program(environment: Environment, layer: Layer, upstream: Upstream, *, preview: bool = False) -> Run:
    """Run a program with a Pulumi runtime of its own."""
    run = Run()
    contextvars.copy_context().run(_run, environment, layer, upstream, preview, run)
    return run


@cache
def shipped(name: str) -> Environment:
    found = read_environment(FILES / f"{name}.yaml").environment
    assert found is not None
    return found


def upstream_of(environment: Environment, layer: Layer, runs: Mapping[Layer, Run]) -> Upstream:
    return Upstream(
        {
            below: {
                name: SimpleNamespace(value=value, secret=name in runs[below].secret_outputs)
                for name, value in runs[below].outputs.items()
            }
            for below in DEPENDS_ON[layer]
        }
    )


class Runs(Mapping[Layer, Run]):
    """All programs of an environment, each on the outputs of those below it; run when they are first looked at."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._runs: dict[Layer, Run] = {}

    def __getitem__(self, layer: Layer) -> Run:
        if layer not in self._runs:
            upstream = upstream_of(self._environment, layer, self)
            self._runs[layer] = run_program(self._environment, layer, upstream)
        return self._runs[layer]

    def __iter__(self) -> Iterator[Layer]:
        return iter(PROGRAMS)

    def __len__(self) -> int:
        return len(PROGRAMS)


@cache
def shipped_runs(name: str) -> Runs:
    return Runs(shipped(name))


@pytest.fixture(params=TIERS)
def tier(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def applied(tier: str) -> Runs:
    """All programs of a shipped environment, run once per session."""
    return shipped_runs(tier)


@pytest.fixture
def everything(applied: Runs) -> list[Registered]:
    """Every AWS resource of a shipped environment."""
    return [resource for run in applied.values() for resource in run.managed]


@pytest.fixture
def of_tier() -> Callable[[str], Runs]:
    return shipped_runs


@pytest.fixture
def apply_changed() -> Callable[..., Runs]:
    """The programs of dev with some sections of its file changed."""

    def apply(**sections: Mapping[str, Any]) -> Runs:
        data = shipped("dev").model_dump(mode="json")
        for name, changes in sections.items():
            data[name] = {**data[name], **changes}
        return Runs(Environment.model_validate(data))

    return apply


@pytest.fixture
def preview() -> Callable[[str, Layer, Upstream], Run]:
    return lambda name, layer, upstream: run_program(shipped(name), layer, upstream, preview=True)


@pytest.fixture
def up() -> Callable[[str, Layer, Upstream], Run]:
    return lambda name, layer, upstream: run_program(shipped(name), layer, upstream)
