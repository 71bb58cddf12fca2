"""Which AWS calls the code makes: recorded at the sandbox while whole environments live and die in it."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import os
import pkgutil
import tempfile
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from botocore import xform_name
from botocore.session import get_session

from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.operations.costs.look import costs
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.health.look import health
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.leftovers import leftovers_of
from ils_pipelines.provisioning.price_refresh import refresh
from ils_pipelines.provisioning.teardown import check_teardown
from ils_pipelines.provisioning.versions import check_versions
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environments_directory
from ils_pipelines.settings.prices import price_table
from ils_pipelines.targets.protocol import Target
from ils_sandbox import server
from ils_sandbox.provider import services
from ils_sandbox.provider.resource import ResourceType
from ils_sandbox.state import STATE_VARIABLE
from ils_sandbox.target import SandboxTarget

READ_ONLY, PROVISION, CERTIFICATES, COSTS = "read-only", "provision", "certificates", "costs"
Calls = dict[str, list[str]]

# What protects data in production would refuse its end, which is part of what is recorded.
_MORTAL = {
    "name": "full",
    "protection": False,
    "requires_approval": False,
    "waivers": [
        {"rule": "deletion_protection", "reason": "Lives only as long as its recording.", "expires": "2999-12-31"}
    ],
}


def shipped(name: str) -> Environment:
    """An environment as its file has it."""
    return Environment.model_validate(yaml.safe_load((environments_directory() / f"{name}.yaml").read_text()))


def full() -> Environment:
    """Production, with everything that exists only there, but mortal."""
    document = yaml.safe_load((environments_directory() / "production.yaml").read_text())
    document |= _MORTAL
    for section in ("cluster", "database", "tables", "load_balancer"):
        document[section]["deletion_protection"] = False
    document["database"]["final_snapshot"] = True
    document["app"]["namespace"] = "ils-full"
    return Environment.model_validate(document)


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox of its own."""

    directory: Path
    endpoint: str

    def target(self, environment: Environment) -> Target:
        before = os.environ.get(STATE_VARIABLE)
        os.environ[STATE_VARIABLE] = str(self.directory)
        try:
            return SandboxTarget(environment)
        finally:
            os.environ.pop(STATE_VARIABLE)
            if before is not None:
                os.environ[STATE_VARIABLE] = before

    @contextmanager
    def recorded(self, into: dict[str, set[str]]) -> Iterator[None]:
        """Add the calls made inside to `into`. Those that the sandbox refused are calls too."""
        self._control("DELETE")
        yield
        for call in json.loads(self._control("GET")):
            into.setdefault(call["service"], set()).add(call["operation"])

    def _control(self, method: str) -> bytes:
        request = urllib.request.Request(f"{self.endpoint}/_sandbox/requests", method=method)
        with urllib.request.urlopen(request) as response:
            answer: bytes = response.read()
        return answer


@contextmanager
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox in this folder, stopped at the end."""
    started = server.start(directory)
    try:
        yield Sandbox(directory.absolute(), started.state.aws.endpoint)
    finally:
        server.stop(directory)


def record() -> dict[str, Calls]:
    """Provision, watch and delete a small and a full environment in a sandbox of its own, and say what was called.

    `certificates` and `costs` are those jobs alone, `read-only` is everything else that changes nothing; `provision` is what
    the rest calls beside.
    """
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as running:
        found: dict[str, dict[str, set[str]]] = defaultdict(dict)
        for environment in (shipped("dev"), full()):
            target = running.target(environment)
            live(running, target, found)
    reading = found[READ_ONLY]
    changing = {service: operations - reading.get(service, set()) for service, operations in found[PROVISION].items()}
    families = {name: _sorted(found[name]) for name in (READ_ONLY, *SCANS)}
    return {**families, PROVISION: _sorted(changing)}


def live(running: Sandbox, target: Target, found: dict[str, dict[str, set[str]]]) -> None:
    """One life of an environment: planned, made, watched, planned again, deleted."""
    with running.recorded(found[READ_ONLY]):
        plan(target)
    with running.recorded(found[PROVISION]):
        for layer in Layer:
            layer_work(target, layer).up()
    with running.recorded(found[READ_ONLY]):
        watch(target)
        plan(target)
    for family, look in SCANS.items():
        with running.recorded(found[family]):
            look(target)
    with running.recorded(found[PROVISION]):
        for layer in reversed(Layer):
            layer_work(target, layer).destroy()


SCANS: Mapping[str, Callable[[Target], object]] = {CERTIFICATES: certificates, COSTS: costs}
"""Scans that have policies of their own."""


def plan(target: Target) -> None:
    check_versions(target)
    for layer in Layer:
        layer_work(target, layer).preview()


def watch(target: Target) -> None:
    scan(target)
    health(target)
    posture(target)
    check_teardown(target, confirmed=target.environment.name)
    leftovers_of(target)
    refresh(target, price_table())


def _sorted(calls: dict[str, set[str]]) -> Calls:
    return {service: sorted(operations) for service, operations in sorted(calls.items()) if operations}


def declared() -> Calls:
    """What the sandbox's provider can call for the resource types it knows, updates included: no life above has any.

    Read from its source: every text there that is the name of an operation of the service in hand.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for module in pkgutil.iter_modules(services.__path__, f"{services.__name__}."):
        loaded = importlib.import_module(module.name)
        types: Iterable[ResourceType] = getattr(loaded, "TYPES", ())
        texts = _texts(inspect.getsource(loaded))
        for service in {each.service for each in types}:
            known = _operations(service)
            found[service] |= {known[text] for text in texts if text in known}
    return _sorted(found)


def named(family: str, called: Calls) -> Calls:
    """What the source of a scan names of the services that it was seen to call: no recorded life has every case."""
    package = importlib.import_module(f"ils_pipelines.operations.{family}")
    sources = [path.read_text() for path in sorted(Path(package.__path__[0]).rglob("*.py"))]
    words = {word for source in sources for word in (*_texts(source), *_attributes(source))}
    found = {service: {name for word, name in _operations(service).items() if word in words} for service in called}
    return _sorted(found)


def _attributes(source: str) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}


def _texts(source: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _operations(service: str) -> dict[str, str]:
    """The operations of a service by the names that boto3 gives them."""
    return {xform_name(name): name for name in get_session().get_service_model(service).operation_names}
