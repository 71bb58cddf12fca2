"""The state of one resource, as the checkpoint keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ils_sandbox.engine.urns import PROVIDER_PREFIX, STACK_TYPE, Urn
from ils_sandbox.engine.values import Crypter, Properties, from_checkpoint, to_checkpoint


@dataclass(frozen=True, eq=False)
class ResourceState:
    """One resource. Two objects with the same URN are different states: one of them may be waiting for its deletion."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    """`<urn of the provider resource>::<its id>`; empty for components and providers."""
    dependencies: tuple[str, ...] = ()
    property_dependencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    protect: bool = False
    external: bool = False
    """Read, not managed: never changed and never deleted."""
    delete: bool = False
    """Replaced: to be deleted once everything that uses it has moved on."""
    retain_on_delete: bool = False
    deleted_with: str = ""
    additional_secret_outputs: tuple[str, ...] = ()
    ignore_changes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return Urn.parse(self.urn).name

    @property
    def managed(self) -> bool:
        """Whether a provider made it, as opposed to components, providers and things only read."""
        return self.custom and not self.external and not self.type.startswith(PROVIDER_PREFIX)

    @property
    def is_stack(self) -> bool:
        return self.type == STACK_TYPE

    def references(self) -> set[str]:
        """URNs that must exist before this resource and be deleted after it."""
        found = {*self.dependencies, *(urn for urns in self.property_dependencies.values() for urn in urns)}
        found |= {self.parent, self.deleted_with, self.provider.rpartition("::")[0]}
        return found - {""}

    def with_renamed(self, renamed: Mapping[str, str]) -> ResourceState:
        """This state with every reference to a renamed resource brought up to date."""
        if self.references().isdisjoint(renamed):
            return self
        provider_urn, _, provider_id = self.provider.rpartition("::")
        return replace(
            self,
            parent=renamed.get(self.parent, self.parent),
            dependencies=tuple(renamed.get(urn, urn) for urn in self.dependencies),
            property_dependencies={
                key: tuple(renamed.get(urn, urn) for urn in urns) for key, urns in self.property_dependencies.items()
            },
            deleted_with=renamed.get(self.deleted_with, self.deleted_with),
            provider=f"{renamed.get(provider_urn, provider_urn)}::{provider_id}" if self.provider else "",
        )

    def without(self, gone: frozenset[str]) -> ResourceState:
        """This state with no reference to resources that are no more."""
        if self.references().isdisjoint(gone):
            return self
        left = {key: tuple(urn for urn in urns if urn not in gone) for key, urns in self.property_dependencies.items()}
        return replace(
            self,
            parent="" if self.parent in gone else self.parent,
            dependencies=tuple(urn for urn in self.dependencies if urn not in gone),
            property_dependencies=left,
            deleted_with="" if self.deleted_with in gone else self.deleted_with,
        )

    def to_json(self, crypter: Crypter) -> dict[str, Any]:
        """As in the deployment JSON (apitype.ResourceV3): fields that say nothing are left out."""
        entry = {
            "urn": self.urn,
            "custom": self.custom,
            "delete": self.delete,
            "id": self.id,
            "type": self.type,
            "inputs": {key: to_checkpoint(value, crypter) for key, value in self.inputs.items()},
            "outputs": {key: to_checkpoint(value, crypter) for key, value in self.outputs.items()},
            "parent": self.parent,
            "protect": self.protect,
            "external": self.external,
            "dependencies": list(self.dependencies),
            "provider": self.provider,
            "propertyDependencies": {key: list(urns) for key, urns in self.property_dependencies.items()},
            "additionalSecretOutputs": list(self.additional_secret_outputs),
            "ignoreChanges": list(self.ignore_changes),
            "retainOnDelete": self.retain_on_delete,
            "deletedWith": self.deleted_with,
        }
        return {key: value for key, value in entry.items() if value or key in {"urn", "custom", "type"}}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any], crypter: Crypter) -> ResourceState:
        """Raises KeyError, TypeError or ValueError when `entry` is not a resource."""
        urns = entry.get("propertyDependencies") or {}
        return cls(
            urn=str(Urn.parse(entry["urn"])),
            type=entry["type"],
            custom=bool(entry["custom"]),
            id=entry.get("id", ""),
            inputs={key: from_checkpoint(value, crypter) for key, value in (entry.get("inputs") or {}).items()},
            outputs={key: from_checkpoint(value, crypter) for key, value in (entry.get("outputs") or {}).items()},
            parent=entry.get("parent", ""),
            provider=entry.get("provider", ""),
            dependencies=tuple(entry.get("dependencies") or ()),
            property_dependencies={key: tuple(value or ()) for key, value in urns.items()},
            protect=bool(entry.get("protect")),
            external=bool(entry.get("external")),
            delete=bool(entry.get("delete")),
            retain_on_delete=bool(entry.get("retainOnDelete")),
            deleted_with=entry.get("deletedWith", ""),
            additional_secret_outputs=tuple(entry.get("additionalSecretOutputs") or ()),
            ignore_changes=tuple(entry.get("ignoreChanges") or ()),
        )
