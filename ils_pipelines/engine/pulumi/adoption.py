"""What an interrupted run left half done.

Pulumi records each call before it makes it, and asks a person what became of the calls whose end it did not record. Here
that is found out: a create is looked up, what it made is put into the deployment, and Pulumi reads all of it anew.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ils_pipelines.engine.pulumi.deployment import managed, pending, resources
from ils_pipelines.engine.pulumi.values import revealed
from ils_pipelines.engine.pulumi.workspace import Deployment, StackHandle
from ils_pipelines.engine.recorder import Recorder

_CREATING = "creating"
_UNREAD = "a run was interrupted that changed or deleted this"
_GONE = "pendingReplacement"
"""Marks what was deleted to make room for its replacement; its id, which may be a name, may be that of the new one."""


class Finder(Protocol):
    """Looks for what an interrupted create made: no provider of Pulumi can."""

    def find(
        self, urn: str, inputs: Mapping[str, Any], known_ids: frozenset[str], provider: Mapping[str, Any]
    ) -> str | None:
        """The provider's id of the resource that a create for `urn` with these inputs made, other than `known_ids`; None
        when it made none. Secrets in `inputs` are in the clear; `provider` is its provider's configuration. Changes
        nothing."""

    def resume(
        self, urn: str, id_: str, inputs: Mapping[str, Any], provider: Mapping[str, Any], cancel: threading.Event
    ) -> None:
        """Finish what that create began, so far as Pulumi would not see it, and wait until the resource is usable, or
        `cancel` is set."""


@dataclass(frozen=True)
class Found:
    """What interrupted creates made, by URN."""

    ids: Mapping[str, str]
    inputs: Mapping[str, Mapping[str, Any]]
    providers: Mapping[str, Mapping[str, Any]]


NOTHING = Found({}, {}, {})


def look(handle: StackHandle, deployment: Deployment | None, finder: Finder) -> Found:
    """Look for what interrupted creates made. Changes nothing."""
    creates = [entry["resource"] for entry in pending(deployment) if entry["type"] == _CREATING]
    if not creates:
        return NOTHING
    clear = handle.export(reveal=True)
    inputs = {
        entry["resource"]["urn"]: revealed(entry["resource"].get("inputs") or {})
        for entry in pending(clear)
        if entry["type"] == _CREATING
    }
    configured = {f"{each['urn']}::{each.get('id')}": each.get("inputs") or {} for each in resources(deployment)}
    providers = {each["urn"]: configured.get(each.get("provider") or "", {}) for each in creates}
    ids: dict[str, str] = {}
    for resource in creates:
        known = {
            each["id"]
            for each in resources(deployment)
            if each["type"] == resource["type"] and each.get("id") and not each.get(_GONE)
        }
        urn = resource["urn"]
        id_ = finder.find(urn, inputs[urn], frozenset(known | set(ids.values())), providers[urn])
        if id_ is not None:
            ids[urn] = id_
    return Found(ids, inputs, providers)


def finish(deployment: Deployment, found: Found, finder: Finder, recorder: Recorder, cancel: threading.Event) -> None:
    """Have what was found become usable, which may take long: ends early when `cancel` is set. Writes nothing."""
    for entry in pending(deployment):
        urn = entry["resource"]["urn"]
        name, id_ = urn.rpartition("::")[2], found.ids.get(urn)
        if id_ is not None and entry["type"] == _CREATING:
            recorder.note(f"{name} ({id_}) was made by an interrupted run and is taken over")
            finder.resume(urn, id_, found.inputs[urn], found.providers[urn], cancel)
        else:
            recorder.note(f"{name}: its {entry['type']} was interrupted; looking at what is there")


def taken_over(deployment: Deployment, found: Found) -> Deployment:
    """`deployment` with what was found as resources of it, and a mark on what an interrupted run was changing or deleting:
    Pulumi takes no pending operations in."""
    changed = copy.deepcopy(deployment)
    inner = changed["deployment"]
    states = inner.setdefault("resources", [])
    touched = {entry["resource"]["urn"] for entry in pending(deployment)}
    for state in states:
        if state["urn"] in touched and state.get("custom"):
            state["initErrors"] = [*(state.get("initErrors") or ()), _UNREAD]
    for entry in pending(deployment):
        resource = copy.deepcopy(entry["resource"])
        if entry["type"] == _CREATING and resource["urn"] in found.ids:
            _insert(states, {**resource, "id": found.ids[resource["urn"]], "outputs": {}})
    inner.pop("pending_operations", None)
    return changed


def doubtful(deployment: Deployment | None) -> list[str]:
    """URNs of what has to be read anew: changed or deleted by an interrupted run, or taken over and not read yet."""
    return sorted(
        {each["urn"] for each in managed(deployment) if not each.get("outputs") or _UNREAD in _init_errors(each)}
    )


def _init_errors(resource: Mapping[str, Any]) -> Sequence[str]:
    """What Pulumi keeps of a resource that is not as it should be, until it is read again."""
    found: Sequence[str] = resource.get("initErrors") or ()
    return found


def _insert(states: list[dict[str, Any]], new: dict[str, Any]) -> None:
    """Put `new` behind everything it refers to. What it was to replace is to be deleted, unless it is gone already."""
    states[:] = [state for state in states if state["urn"] != new["urn"] or not state.get(_GONE)]
    for state in states:
        if state["urn"] == new["urn"] and not state.get("delete"):
            state["delete"] = True
    references = {new.get("parent"), (new.get("provider") or "").rpartition("::")[0], *(new.get("dependencies") or ())}
    last = max((index for index, state in enumerate(states) if state["urn"] in references), default=-1)
    states.insert(last + 1, new)
