"""Which calls the code makes to AWS and Kubernetes: recorded at the sandbox while whole environments live and die in it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import yaml

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.certificates.scan import certificates
from ils_pipelines.operations.costs.look import costs
from ils_pipelines.operations.drift.scan import scan
from ils_pipelines.operations.findings import Urgency
from ils_pipelines.operations.health.look import health
from ils_pipelines.operations.notifications.channels import NotSent, send
from ils_pipelines.operations.notifications.models import Message, Topic
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.provisioning.leftovers import leftovers_of
from ils_pipelines.provisioning.price_refresh import refresh
from ils_pipelines.provisioning.teardown import check_teardown
from ils_pipelines.provisioning.versions import check_versions
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.settings.loading import environments_directory
from ils_pipelines.settings.notifications import Channel, ChannelKind
from ils_pipelines.settings.prices import price_table
from ils_pipelines.settings.tiers import Tier
from ils_pipelines.targets.protocol import Target
from ils_sandbox import server
from ils_sandbox.aws.calls import ACCOUNT
from ils_sandbox.control.recording import RECORD_VARIABLE
from ils_sandbox.state import STATE_VARIABLE
from ils_sandbox.target import SandboxTarget
from tools.iam.rehearsal import rehearse
from tools.iam.seen import CERTIFICATES, COSTS, HEALTH, NOTIFICATIONS, PROVISION, READ_ONLY, Seen, seen_in

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
    """A running sandbox of its own, which writes down what it is asked."""

    directory: Path

    def target(self, environment: Environment, family: str) -> Target:
        """The environment, for jobs of a family."""
        with self.meant():
            return SandboxTarget(environment, caller=family)

    @contextmanager
    def meant(self) -> Iterator[None]:
        """What looks for the sandbox in the variables of this process finds this one."""
        with _variable(STATE_VARIABLE, self.directory):
            yield

    def seen(self, environment: str = "") -> Seen:
        """What was called so far, of one environment or of all. Calls that the sandbox refused are calls too."""
        return seen_in(_calls(self.directory), environment)


def _calls(directory: Path) -> Path:
    return directory / "calls"


@contextmanager
def _variable(name: str, value: Path) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = str(value)
    try:
        yield
    finally:
        os.environ.pop(name)
        if before is not None:
            os.environ[name] = before


@contextmanager
def sandbox(directory: Path) -> Iterator[Sandbox]:
    """A sandbox in this folder, stopped at the end."""
    directory = directory.absolute()
    with _variable(RECORD_VARIABLE, _calls(directory)):
        server.start(directory)
    try:
        yield Sandbox(directory)
    finally:
        server.stop(directory)


def record() -> Seen:
    """Provision, watch and delete a small and a full environment in a sandbox of its own, and say what was called."""
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder)) as running:
        for environment in (shipped("dev"), full()):
            live(running, environment)
        return running.seen()


def live(running: Sandbox, environment: Environment, *, at_its_height: Callable[[], object] = lambda: None) -> None:
    """One life of an environment: planned, made, watched, planned again, deleted; a small one is backed up between, and its
    losses are rehearsed.
    """
    looks, makes = running.target(environment, READ_ONLY), running.target(environment, PROVISION)
    plan(looks)
    for layer in Layer:
        layer_work(makes, layer).up()
    at_its_height()
    watch(looks)
    plan(looks)
    for family, look in SCANS.items():
        look(running.target(environment, family))
    tell(running.target(environment, NOTIFICATIONS))
    if environment.tier is Tier.DEVELOPMENT:
        with running.meant():
            rehearse(environment)
    for layer in reversed(Layer):
        layer_work(makes, layer).destroy()


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


def tell(target: Target) -> None:
    """On a topic and on a webhook that are not there, so that nothing is sent to anybody: what is refused is called, too."""
    name, region = target.environment.name, target.environment.aws.region
    message = Message(
        id="0",
        environment=name,
        topic=Topic.OVER,
        source="a recording",
        urgency=Urgency.WARNING,
        said=(),
        runbook="",
        at=datetime.now(UTC),
    )
    topic = f"arn:aws:sns:{region}:{ACCOUNT}:ils-{name}-recording"
    for channel in (
        Channel(kind=ChannelKind.SNS, name="topic", topic_arn=topic),
        Channel(kind=ChannelKind.WEBHOOK, name="webhook", url_from=f"secret:ils-{name}-webhook-recording"),
    ):
        with suppress(NotSent):
            send(target, channel, message)


def watch(target: Target) -> None:
    scan(target)
    posture(target)
    check_teardown(target, confirmed=target.environment.name)
    leftovers_of(target)
    refresh(target, price_table())
