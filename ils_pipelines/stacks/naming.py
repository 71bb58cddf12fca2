"""Physical names, tags and protection of the resources of one layer."""

from __future__ import annotations

from dataclasses import dataclass

from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer

PROJECT = "ils"
MANAGED_BY = "ils-pipelines"
EXPIRES = "expires"
"""Tag of what belongs to an ephemeral environment: when that is torn down, UTC."""


@dataclass(frozen=True)
class Naming:
    """Names like `ils-<environment>-<what>`, by which people recognise things in the AWS console."""

    environment: str
    layer: Layer
    extra_tags: dict[str, str]
    protected: bool

    @classmethod
    def of(cls, environment: Environment, layer: Layer) -> Naming:
        tags = dict(environment.aws.tags)
        if environment.ephemeral is not None:
            # What is left over of it is found by this tag, and known to be left over.
            tags[EXPIRES] = f"{environment.ephemeral.expires:%Y-%m-%dT%H:%M:%SZ}"
        return cls(environment.name, layer, tags, environment.protection)

    def name(self, *parts: str) -> str:
        """`ils-dev-nodes` for `("nodes",)`, `ils-dev` for none."""
        return "-".join((PROJECT, self.environment, *parts))

    def tags(self, name: str, **more: str) -> dict[str, str]:
        """The tags of one resource.

        Given to each resource instead of through the provider's default tags, which reach neither what EC2 starts from
        a launch template nor every engine alike.
        """
        return {
            **self.extra_tags,
            "Name": name,
            "environment": self.environment,
            "layer": self.layer.value,
            "managed-by": MANAGED_BY,
            "project": PROJECT,
            **more,
        }
