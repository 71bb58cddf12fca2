"""The program of every layer that is a Pulumi stack. Importing this imports neither Pulumi nor its AWS resources."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.stacks.upstream import Upstream

Program = Callable[[], None]
ProgramFactory = Callable[[Environment, Upstream], Program]


def _in_module(module: str) -> ProgramFactory:
    """The program whose `declare` is in `module` of this package, imported when the program runs."""

    def factory(environment: Environment, upstream: Upstream) -> Program:
        def program() -> None:
            importlib.import_module(f"{__package__}.{module}").declare(environment, upstream)

        return program

    return factory


PROGRAMS: Mapping[Layer, ProgramFactory] = MappingProxyType(
    {
        Layer.VPC: _in_module("vpc"),
        Layer.ENCRYPTION: _in_module("encryption"),
        Layer.CLUSTER: _in_module("cluster"),
        Layer.DATABASE: _in_module("database"),
        Layer.CACHE: _in_module("cache"),
        Layer.TABLES: _in_module("tables"),
        Layer.SECRETS: _in_module("secrets"),
        Layer.LOAD_BALANCER: _in_module("load_balancer"),
        Layer.BACKUP_VAULT: _in_module("backup_vault"),
        Layer.MONITORING: _in_module("monitoring"),
    }
)
