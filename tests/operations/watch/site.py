"""A provisioned environment in a sandbox, and hands to change it with behind the product's back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from ils_pipelines.engine.models import Stack
from ils_pipelines.operations.drift.models import DriftReport, LayerDrift
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.health.look import health
from ils_pipelines.operations.health.models import HealthReport
from ils_pipelines.settings.account import JobFamily
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import load_environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target
from tests.end_to_end.conftest import LocalSandbox


@dataclass(frozen=True)
class Site:
    """One environment and the sandbox it lives in."""

    target: Target
    """The tests' own hands."""
    sandbox: LocalSandbox

    @property
    def name(self) -> str:
        return self.target.environment.name

    @cached_property
    def looks(self) -> Target:
        """For jobs that only look, whose calls have to be what their policies allow."""
        return opened(self.target.environment, self.sandbox, JobFamily.READ_ONLY)

    @cached_property
    def asks(self) -> Target:
        """For health, likewise."""
        return opened(self.target.environment, self.sandbox, JobFamily.HEALTH)

    @cached_property
    def backups(self) -> Target:
        """For backups, likewise."""
        return opened(self.target.environment, self.sandbox, JobFamily.BACKUP)

    @property
    def cluster(self) -> str:
        """Also the name of everything else there is one of."""
        return f"ils-{self.name}"

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def kubernetes(self) -> Any:
        return self.target.kubernetes(self.cluster)

    def drift(self, *layers: Layer) -> DriftReport:
        return scan(self.looks, layers or Layer)

    def layer_drift(self, layer: Layer) -> LayerDrift:
        return self.drift(layer).layers[0]

    def health(self, *layers: Layer) -> HealthReport:
        return health(self.asks, layers) if layers else health(self.asks)

    def id(self, layer: Layer, type_: str, name: str) -> str:
        """The id of a resource of a stack, by the end of its type and its name in the program."""
        stack = Stack(f"ils-{layer}", self.name, lambda: None)
        for resource in self.target.engine().export_state(stack)["deployment"]["resources"]:
            if resource["custom"] and resource["type"].endswith(f":{type_}") and resource["urn"].endswith(f"::{name}"):
                return str(resource["id"])
        raise AssertionError(f"{stack} has no {type_} {name}")

    def output(self, layer: Layer, name: str) -> Any:
        outputs = self.target.engine().outputs(Stack(f"ils-{layer}", self.name, lambda: None))
        assert outputs is not None
        return outputs[name].value

    def sibling(self, environment: Environment) -> Site:
        """Another environment of the same sandbox."""
        return Site(opened(environment, self.sandbox), self.sandbox)


def opened(environment: Environment, sandbox: LocalSandbox, family: JobFamily | None = None) -> Target:
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("ILS_STATE_DIR", str(sandbox.directory))
        return open_target(environment, family)


def site_of(name: str, sandbox: LocalSandbox) -> Site:
    return Site(opened(load_environment(name), sandbox), sandbox)


def until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)


Change = Callable[[Site], AbstractContextManager[None]]


def change(function: Callable[[Site], Iterator[None]]) -> Change:
    """`function` changes something, yields, and changes it back."""
    return contextmanager(function)


def without_addon(name: str) -> Change:
    """The add-on is gone, and made again as it was."""

    @contextmanager
    def gone(site: Site) -> Iterator[None]:
        eks, names = site.client("eks"), {"clusterName": site.cluster, "addonName": name}
        before = eks.describe_addon(**names)["addon"]
        eks.delete_addon(**names)
        try:
            yield
        finally:
            kept = ("addonVersion", "configurationValues", "tags")
            eks.create_addon(**names, **{member: before[member] for member in kept if before.get(member)})

    return gone


def calls(
    service: str,
    there: tuple[str, dict[str, Any]],
    back: tuple[str, dict[str, Any]],
    *,
    region: str | None = None,
    **lookups: Callable[[Site], Any],
) -> Change:
    """A change made by one AWS call and undone by another; `lookups` give parameters of both that are known only live."""

    @contextmanager
    def changed(site: Site) -> Iterator[None]:
        found = {name: lookup(site) for name, lookup in lookups.items()}
        client = site.target.client(service, region=region)
        getattr(client, there[0])(**found, **there[1])
        try:
            yield
        finally:
            getattr(client, back[0])(**found, **back[1])

    return changed


def without_alarm(name: str) -> Change:
    @contextmanager
    def gone(site: Site) -> Iterator[None]:
        cloudwatch = site.client("cloudwatch")
        before = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
        tags = cloudwatch.list_tags_for_resource(ResourceARN=before["AlarmArn"])["Tags"]
        cloudwatch.delete_alarms(AlarmNames=[name])
        told = {"AlarmArn", "AlarmConfigurationUpdatedTimestamp"}
        settings = {key: value for key, value in before.items() if not key.startswith("State") and key not in told}
        try:
            yield
        finally:
            cloudwatch.put_metric_alarm(**settings, Tags=tags)

    return gone
