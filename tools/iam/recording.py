"""Which calls the code makes to AWS and Kubernetes: recorded at the sandbox while whole environments live and die in it."""

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
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml
from botocore import xform_name
from botocore.session import get_session

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.backup.run import take_set
from ils_pipelines.operations.backup.set_id import SetId
from ils_pipelines.operations.backup.verify import verify_set
from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.operations.costs.look import costs
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.drill.choose import Wanted
from ils_pipelines.operations.drill.run import Asked, run_drill
from ils_pipelines.operations.drill.scenario import Scenario
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
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.targets.protocol import Target
from ils_sandbox import server
from ils_sandbox.provider import services
from ils_sandbox.provider.resource import ResourceType
from ils_sandbox.state import STATE_VARIABLE
from ils_sandbox.target import SandboxTarget
from tools.iam.kubernetes_calls import KubernetesRecorder, Request, placed

READ_ONLY, PROVISION, CERTIFICATES, COSTS, HEALTH = "read-only", "provision", "certificates", "costs", "health"
BACKUPS, DRILLS = "backup", "drill"
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
class Seen:
    """What was called, by family of jobs."""

    aws: dict[str, dict[str, set[str]]] = field(default_factory=lambda: defaultdict(dict))
    """Operations by service."""
    kubernetes: dict[str, set[Request]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox of its own."""

    directory: Path
    endpoint: str
    kubernetes: KubernetesRecorder

    def target(self, environment: Environment) -> Target:
        with self.meant():
            return SandboxTarget(environment)

    @contextmanager
    def meant(self) -> Iterator[None]:
        """What looks for the sandbox in the variables of this process finds this one."""
        before = os.environ.get(STATE_VARIABLE)
        os.environ[STATE_VARIABLE] = str(self.directory)
        try:
            yield
        finally:
            os.environ.pop(STATE_VARIABLE)
            if before is not None:
                os.environ[STATE_VARIABLE] = before

    @contextmanager
    def recorded(self, seen: Seen, family: str, environment: str) -> Iterator[None]:
        """Add the calls made inside to what was seen. Those that the sandbox refused are calls too."""
        self._control("DELETE")
        self.kubernetes.forget()
        yield
        for call in json.loads(self._control("GET")):
            seen.aws.setdefault(family, {}).setdefault(call["service"], set()).add(call["operation"])
        asked = {placed(each, environment) for each in self.kubernetes.requests()}
        seen.kubernetes.setdefault(family, set()).update(asked)

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
        kubernetes = started.state.kubernetes
        if kubernetes is None:
            raise RuntimeError("expected a sandbox with a Kubernetes server, found one without")
        recorder = KubernetesRecorder(kubernetes.endpoint, str(kubernetes.ca_file))
        yield Sandbox(directory.absolute(), started.state.aws.endpoint, recorder)
    finally:
        server.stop(directory)


def record() -> Seen:
    """Provision, watch and delete a small and a full environment in a sandbox of its own, and say what was called."""
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as running:
        for environment in (shipped("dev"), full()):
            live(running, running.target(environment), seen)
    return seen


def calls_of(seen: Seen) -> dict[str, Calls]:
    """Scans are those jobs alone, `read-only` is everything else that changes nothing; `provision` is
    what the rest calls beside. Backups and drills have tables of their own.
    """
    reading = seen.aws[READ_ONLY]
    changing = {name: operations - reading.get(name, set()) for name, operations in seen.aws[PROVISION].items()}
    return {**{name: _sorted(seen.aws[name]) for name in (READ_ONLY, *SCANS)}, PROVISION: _sorted(changing)}


def live(running: Sandbox, target: Target, seen: Seen, *, at_its_height: Callable[[], object] = lambda: None) -> None:
    """One life of an environment: planned, made, watched, planned again, deleted; a small one is backed up between."""
    environment = target.environment.name
    with running.recorded(seen, READ_ONLY, environment):
        plan(target)
    with running.recorded(seen, PROVISION, environment):
        for layer in Layer:
            layer_work(target, layer).up()
    at_its_height()
    with running.recorded(seen, READ_ONLY, environment):
        watch(target)
        plan(target)
    for family, look in SCANS.items():
        with running.recorded(seen, family, environment):
            look(target)
    if target.environment.tier is Tier.DEVELOPMENT:
        rehearse(running, target, seen)
    with running.recorded(seen, PROVISION, environment):
        for layer in reversed(Layer):
            layer_work(target, layer).destroy()


def rehearse(running: Sandbox, target: Target, seen: Seen) -> None:
    """Take a backup set, look whether it is sound, and rehearse the loss of everything."""
    environment = target.environment.name
    taken = SetId(environment, datetime.now(UTC))
    with running.meant():
        with running.recorded(seen, BACKUPS, environment):
            take_set(target, taken, run_cluster_job)
            verify_set(target, taken)
        with running.recorded(seen, DRILLS, environment):
            run_drill(target, Asked(Scenario.FULL, Wanted(taken.name)))


SCANS: Mapping[str, Callable[[Target], object]] = {
    CERTIFICATES: certificates,
    COSTS: costs,
    HEALTH: partial(health, jobs=run_cluster_job),
}
"""Scans that have policies of their own."""


def plan(target: Target) -> None:
    check_versions(target)
    for layer in Layer:
        layer_work(target, layer).preview()


def watch(target: Target) -> None:
    scan(target)
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
