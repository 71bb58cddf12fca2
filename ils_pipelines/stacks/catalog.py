"""The program of every layer that is a Pulumi stack. Importing this imports neither Pulumi nor its AWS resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.upstream import Upstream

Program = Callable[[], None]
ProgramFactory = Callable[[Environment, Upstream], Program]


def _vpc(environment: Environment, upstream: Upstream) -> Program:
    def program() -> None:
        from ils_pipelines.stacks.vpc import declare

        declare(environment, upstream)

    return program


PROGRAMS: Mapping[Layer, ProgramFactory] = MappingProxyType({Layer.VPC: _vpc})
