"""Which resources of an account belong to an environment."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PROJECT = "ils"
"""First part of every name, and the tag `project`; as in `ils_pipelines.stacks.naming`."""


@dataclass(frozen=True)
class Scope:
    """One environment among those of the account."""

    environment: str
    others: frozenset[str] = frozenset()
    """Names of the other environments: `ils-dev-2-sessions` is not dev's where there is a dev-2."""

    @property
    def name(self) -> str:
        """The name of whatever there is one of, e.g. the EKS cluster."""
        return f"{PROJECT}-{self.environment}"

    def owns_name(self, name: str) -> bool:
        """Whether a physical name, or a part of it between slashes or after a colon, is one that our layers give."""
        return any(self._owns(part) for part in re.split(r"[/:]", name))

    def _owns(self, part: str) -> bool:
        if not _under(part, self.name):
            return False
        nearer = [f"{PROJECT}-{other}" for other in self.others if len(other) > len(self.environment)]
        return not any(_under(part, other) for other in nearer)

    def owns_tags(self, tags: Mapping[str, str]) -> bool:
        return all(tags.get(key) == value for key, value in _tags(self).items())


def tag_filter(scope: Scope) -> list[dict[str, object]]:
    """For those of EC2's calls that list everything: only what carries the environment's tags, whatever else there is."""
    return [{"Name": f"tag:{key}", "Values": [value]} for key, value in _tags(scope).items()]


def _tags(scope: Scope) -> dict[str, str]:
    return {"environment": scope.environment, "project": PROJECT}


def _under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}-")


def tags_of(listed: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """Tags as most APIs list them, as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in listed or ()}
