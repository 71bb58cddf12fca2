"""What a program asks of one resource: a RegisterResourceRequest, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ils_pipelines.engine.errors import EngineError
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.urns import PROVIDER_PREFIX
from ils_sandbox.engine.values import Properties, from_wire


@dataclass(frozen=True)
class Goal:
    """One registered resource. Timeouts are in seconds, 0 for the provider's own."""

    urn: str
    aliases: tuple[str, ...]
    type: str
    name: str
    custom: bool
    inputs: Properties
    parent: str
    provider: str
    version: str
    dependencies: tuple[str, ...]
    property_dependencies: Mapping[str, tuple[str, ...]]
    protect: bool
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    delete_before_replace: bool | None
    additional_secret_outputs: tuple[str, ...]
    retain_on_delete: bool
    deleted_with: str
    create_timeout: float
    update_timeout: float

    @classmethod
    def from_request(cls, request: Any, urn: str, aliases: tuple[str, ...]) -> Goal:
        if request.importId:
            raise EngineError(f"{urn}: the import option is unsupported in the sandbox")
        if request.remote:
            raise EngineError(f"{urn}: remote components are unsupported in the sandbox")
        return cls(
            urn=urn,
            aliases=aliases,
            type=request.type,
            name=request.name,
            custom=request.custom,
            inputs=from_wire(request.object),
            parent=request.parent,
            provider=request.provider,
            version=request.version,
            dependencies=tuple(sorted(request.dependencies)),
            property_dependencies={
                key: tuple(sorted(value.urns)) for key, value in sorted(request.propertyDependencies.items())
            },
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith,
            create_timeout=seconds(request.customTimeouts.create),
            update_timeout=seconds(request.customTimeouts.update),
        )

    @property
    def is_provider(self) -> bool:
        return self.type.startswith(PROVIDER_PREFIX)

    @property
    def package(self) -> str:
        return self.type.split(":", 1)[0]

    def state(self, *, id: str = "", inputs: Properties, outputs: Properties, provider: str = "") -> ResourceState:  # noqa: A002 Pulumi's word
        """The state of this resource once it is as the program wants it."""
        return ResourceState(
            urn=self.urn,
            type=self.type,
            custom=self.custom,
            id=id,
            inputs=inputs,
            outputs=outputs,
            parent=self.parent,
            provider=provider,
            dependencies=self.dependencies,
            property_dependencies=self.property_dependencies,
            protect=self.protect,
            retain_on_delete=self.retain_on_delete,
            deleted_with=self.deleted_with,
            additional_secret_outputs=self.additional_secret_outputs,
            ignore_changes=self.ignore_changes,
        )


_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(duration: str) -> float:
    """A Go duration ("1h30m") in seconds; 0 for an empty one. Raises EngineError when it is none."""
    if duration and _DURATION.sub("", duration):
        raise EngineError(f"expected a duration such as 5m or 1h30m in custom_timeouts, found {duration!r}")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in _DURATION.findall(duration))
