"""Who manages which fields of an object: server-side apply, and the bookkeeping of every other write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ils_sandbox.kubernetes import fieldsets
from ils_sandbox.kubernetes.fieldsets import FieldSet, Path
from ils_sandbox.kubernetes.schema import Schema
from ils_sandbox.kubernetes.statuses import ApiError, bad_request

APPLY = "Apply"
UPDATE = "Update"
BEFORE_FIRST_APPLY = "before-first-apply"
MOST_UPDATERS = 10
"""Entries of managers that update, among them one called `ancient-changes` that the oldest are merged into."""

_META = "f:metadata"
_UNMANAGED: FieldSet = frozenset(
    {("f:apiVersion",), ("f:kind",), (_META,)}
    | {
        (_META, f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        )
    }
)


@dataclass(frozen=True, order=True)
class Manager:
    """One entry of `managedFields`."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def shown(self) -> str:
        suffix = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == UPDATE else ""
        return f'"{self.name}"{suffix}{version}'


Managers = dict[Manager, FieldSet]


def managers_of(obj: Mapping[str, Any]) -> Managers:
    return {
        Manager(
            entry.get("manager", ""), entry["operation"], entry.get("apiVersion", ""), entry.get("subresource", "")
        ): fieldsets.from_fields_v1(entry.get("fieldsV1", {}))
        for entry in obj.get("metadata", {}).get("managedFields", ())
    }


def write_managers(
    obj: dict[str, Any], managers: Managers, before: Mapping[str, Any], now: str, actor: Manager | None
) -> None:
    """Put `managedFields` on `obj`, in place. Entries that did not change keep the time they have in `before`."""
    earlier = managers_of(before)
    times = {
        (e.get("manager", ""), e["operation"], e.get("apiVersion", ""), e.get("subresource", "")): e.get("time", now)
        for e in before.get("metadata", {}).get("managedFields", ())
    }
    entries = []
    for manager, owned in managers.items():
        identity = (manager.name, manager.operation, manager.api_version, manager.subresource)
        same = earlier.get(manager) == owned and manager != actor
        entry: dict[str, Any] = {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            "time": times.get(identity, now) if same else now,
            "fieldsType": "FieldsV1",
            "fieldsV1": fieldsets.to_fields_v1(owned),
        }
        if manager.subresource:
            entry["subresource"] = manager.subresource
        entries.append(entry)
    entries.sort(key=lambda e: (e["operation"], e["time"], e["manager"], e.get("subresource", "")))
    if entries:
        obj["metadata"]["managedFields"] = entries
    else:
        obj["metadata"].pop("managedFields", None)


def _managed(paths: FieldSet | set[Path]) -> FieldSet:
    return frozenset(paths) - _UNMANAGED


def _bare(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Without `managedFields`, which nobody manages."""
    return {**obj, "metadata": {k: v for k, v in obj.get("metadata", {}).items() if k != "managedFields"}}


def updated(schema: Schema, live: Mapping[str, Any], new: Mapping[str, Any], actor: Manager) -> Managers:
    """Managers after `actor` made `new` out of `live` by anything but an apply (`live` is empty for a creation).

    Fields of an object that nobody manages are not followed until somebody applies.
    """
    managers = managers_of(live)
    if live and not managers:
        return managers
    comparison = fieldsets.compare(schema, _bare(live), _bare(new))
    written, removed = _managed(comparison.written), _managed(comparison.removed)
    result = {manager: owned if manager == actor else owned - written - removed for manager, owned in managers.items()}
    result[actor] = (result.get(actor, frozenset()) - removed) | written
    return _capped({manager: owned for manager, owned in result.items() if owned})


def _capped(managers: Managers) -> Managers:
    updaters = [manager for manager in managers if manager.operation == UPDATE]
    if len(updaters) <= MOST_UPDATERS:
        return managers
    ancient = Manager("ancient-changes", UPDATE, updaters[0].api_version)
    # What was merged last is the newest entry, and not the newest manager.
    others = [manager for manager in updaters if manager != ancient]
    surplus = others[: len(others) - MOST_UPDATERS + 1]
    merged = frozenset().union(*(managers[manager] for manager in surplus), managers.get(ancient, frozenset()))
    return {ancient: merged} | {m: owned for m, owned in managers.items() if m not in surplus and m != ancient}


def applied(
    schema: Schema, live: Mapping[str, Any], config: Mapping[str, Any], actor: Manager, *, force: bool
) -> tuple[dict[str, Any], Managers]:
    """The object after `actor` applied `config` to `live` (empty when there is none yet), and its managers.

    Fields that `actor` applied before and does not any more are removed unless somebody else owns them too. Raises a
    409 naming the other managers when `config` changes fields of theirs and `force` is not set.
    """
    if config.get("metadata", {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    managers = managers_of(live)
    base, config = _bare(live), _bare(config)
    if live and not managers:  # whatever is there was there before anybody was followed
        found = _managed(fieldsets.compare(schema, {}, base).written)
        managers = {Manager(BEFORE_FIRST_APPLY, UPDATE, actor.api_version): found} if found else {}
    merged = fieldsets.merge(schema, base, config)
    last = managers.get(actor, fieldsets.EMPTY)
    # The object's name and the like are nobody's in the end, but what the configuration says must not be pruned.
    managers[actor] = fieldsets.field_set(schema, config)
    new = _pruned(schema, merged, managers, last) if last else merged
    managers[actor] = _managed(managers[actor])
    comparison = fieldsets.compare(schema, base, new)
    written, removed = _managed(comparison.written), _managed(comparison.removed)
    conflicts = {m: owned & written for m, owned in managers.items() if m != actor and owned & written}
    if conflicts and not force:
        raise _conflict(conflicts)
    for manager in list(managers):
        if manager != actor:
            managers[manager] = managers[manager] - conflicts.get(manager, fieldsets.EMPTY) - removed
    return new, {manager: owned for manager, owned in managers.items() if owned}


def _pruned(schema: Schema, merged: dict[str, Any], managers: Managers, last: FieldSet) -> dict[str, Any]:
    def named(paths: FieldSet) -> FieldSet:
        return fieldsets.with_named_fields(schema, paths)

    everything = named(fieldsets.field_set(schema, merged))
    pruned = fieldsets.remove(schema, merged, named(last))
    # Back come items that somebody, the applying manager's new configuration included, owns ...
    owned = named(frozenset[Path]().union(*managers.values()))
    pruned = fieldsets.remove(schema, merged, everything - (named(fieldsets.field_set(schema, pruned or {})) | owned))
    # ... and those that went only because something around them went.
    left = named(fieldsets.field_set(schema, pruned or {}))
    result: dict[str, Any] = fieldsets.remove(schema, merged, (everything - left) & named(last)) or {}
    return result


def _conflict(conflicts: Managers) -> ApiError:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f"conflict with {manager.shown}",
            "field": fieldsets.dotted(path),
        }
        for manager, paths in sorted(conflicts.items())
        for path in sorted(paths)
    ]
    lines = []
    for manager, paths in sorted(conflicts.items()):
        fields = [fieldsets.dotted(path) for path in sorted(paths)]
        if len(causes) == 1:
            lines.append(f"conflict with {manager.shown}: {fields[0]}")
        else:
            lines.append(f"conflicts with {manager.shown}:\n" + "\n".join(f"- {field}" for field in fields))
    noun = "conflict" if len(causes) == 1 else "conflicts"
    message = f"Apply failed with {len(causes)} {noun}: " + "\n".join(lines)
    return ApiError(409, "Conflict", message, {"causes": causes})
