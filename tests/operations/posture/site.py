"""A provisioned environment in a sandbox, and hands to break it with behind the product's back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ils_pipelines.operations.posture.controls import CONTROLS
from ils_pipelines.operations.posture.models import Control, Report
from ils_pipelines.operations.posture.report import posture
from ils_pipelines.settings.controls import ControlId
from ils_pipelines.settings.environment import Environment
from ils_pipelines.targets import open_target
from ils_pipelines.targets.protocol import Target

BY_ID = {control.id: control for control in CONTROLS}
TAGS = [{"Key": "environment", "Value": "dev"}, {"Key": "project", "Value": "ils"}]


def opened(environment: Environment, state: Path) -> Target:
    """The target of an environment in the sandbox with that state folder."""
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("ILS_STATE_DIR", str(state))
        return open_target(environment)


@dataclass(frozen=True)
class Site:
    """One environment, and the state folder of the sandbox that it lives in."""

    target: Target
    state: Path

    @property
    def environment(self) -> Environment:
        return self.target.environment

    def with_waivers(self, *waivers: Any) -> Site:
        """The same environment, as if its file had these waivers and no others."""
        return self._with(self.environment.model_copy(update={"posture_waivers": waivers}))

    def bare(self, name: str) -> Site:
        """An environment with nothing in it."""
        return self._with(Environment(name=name))

    def _with(self, environment: Environment) -> Site:
        return Site(opened(environment, self.state), self.state)

    def client(self, service: str) -> Any:
        return self.target.client(service)

    def evaluate(self, *controls: ControlId, **more: Any) -> Report:
        chosen: tuple[Control, ...] = tuple(BY_ID[each] for each in controls) or CONTROLS
        return posture(self.target, controls=chosen, **more)

    def failing(self, control: ControlId) -> set[str]:
        """The resources for which the control does not hold."""
        return {finding.resource for finding in self.evaluate(control).findings}

    @property
    def vpc_id(self) -> str:
        return self._tagged("vpcs", "Vpcs", "VpcId")[0]

    @property
    def subnet_ids(self) -> list[str]:
        return self._tagged("subnets", "Subnets", "SubnetId")

    def security_group(self, name: str) -> str:
        groups = self.client("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [self.vpc_id]}]
        )
        found: str = groups["SecurityGroups"][0]["GroupId"]
        return found

    def key(self, purpose: str) -> str:
        """The ARN of one of the environment's keys."""
        alias = f"alias/ils-{self.environment.name}-{purpose}"
        found: str = self.client("kms").describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
        return found

    def kubernetes(self) -> Any:
        return self.target.kubernetes(f"ils-{self.environment.name}")

    def _tagged(self, what: str, member: str, key: str) -> list[str]:
        filters = [{"Name": "tag:environment", "Values": [self.environment.name]}]
        found = getattr(self.client("ec2"), f"describe_{what}")(Filters=filters)[member]
        return [item[key] for item in found]


Break = Callable[[Site], AbstractContextManager[str]]
"""Breaks the environment, gives the name of the resource that is then wrong, and puts everything back."""


@dataclass(frozen=True)
class Case:
    """One way in which a control can be broken."""

    control: ControlId
    breaks: Break
    how: str

    def __str__(self) -> str:
        return f"{self.control}-{self.how}"


def case(control: ControlId, how: str, broken: Callable[[Site], Iterator[str]]) -> Case:
    """`broken` changes something, yields the resource and changes it back."""

    @contextmanager
    def breaks(site: Site) -> Iterator[str]:
        yield from broken(site)

    return Case(control, breaks, how.replace(" ", "-"))
