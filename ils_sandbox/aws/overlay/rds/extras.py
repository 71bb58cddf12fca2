"""Fields that a caller sets and moto drops, remembered by cluster or instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.ghosts import Ghosts
from ils_sandbox.aws.overlay.world import MotoRefusedError, Result, World


class Kind:
    """Clusters or instances: where a call names one, how one is described, and what is remembered of it."""

    def __init__(
        self, table: str, name_key: str, list_key: str, status_key: str, remembered: Mapping[str, str]
    ) -> None:
        self._table = table
        self.name_key = name_key
        self._list_key = list_key
        self.status_key = status_key
        self._remembered = remembered
        self.ghosts = Ghosts(table, status_key)

    def name(self, call: Call) -> str:
        """The resource that the call names, by name or ARN; empty when it names none."""
        return str(call.params.get(self.name_key) or "").rpartition(":")[2].lower()

    def extras(self, call: Call, world: World, name: str) -> dict[str, Any]:
        """What is remembered of the resource, to be changed in place."""
        extras: dict[str, Any] = world.table(self._table, call).setdefault(name, {})
        return extras

    def remember(self, call: Call, world: World, name: str) -> None:
        """Remember what the call sets."""
        given = {shown: call.params[key] for key, shown in self._remembered.items() if call.params.get(key) is not None}
        self.extras(call, world, name).update(given)

    def forget(self, call: Call, world: World, name: str) -> None:
        world.table(self._table, call).pop(name, None)

    def begin(self, call: Call, world: World, name: str, phase: str, minutes: float) -> None:
        world.lifecycles.begin(self._key(call, name), phase, minutes)

    def phase(self, call: Call, world: World, name: str) -> str | None:
        """What is under way with the resource; None when nothing is."""
        return world.lifecycles.phase(self._key(call, name))

    def completed(self, call: Call, world: World, description: Result) -> Result:
        """moto's description with what is remembered, in the phase under way."""
        name = description[self.name_key]
        completed = {**description, **self.extras(call, world, name)}
        phase = self.phase(call, world, name)
        # moto leaves what is new `creating` in the answer to its creation, and changes it at once afterwards.
        settled = description[self.status_key] in ("creating", "modifying")
        completed[self.status_key] = phase or ("available" if settled else description[self.status_key])
        return completed

    def describe(self, call: Call, world: World) -> Result:
        """The answer to a Describe call: what exists, and what is being deleted."""
        ghosts = self.ghosts.list(call, world)
        name = self.name(call)
        try:
            result = world.forward(call)
        except MotoRefusedError:
            if name not in ghosts:
                raise
            return {self._list_key: [ghosts[name]]}
        found = [self.completed(call, world, description) for description in result.get(self._list_key, [])]
        if not name and not call.params.get("Filters"):
            found += ghosts.values()
        return {**result, self._list_key: found}

    def current(self, call: Call, world: World, name: str) -> Result:
        """The resource as it is described now. What moto refuses is raised."""
        operation = f"Describe{self._list_key}"
        found = world.invoke(call, "rds", operation, **{self.name_key: name})[self._list_key]
        return self.completed(call, world, found[0])

    def _key(self, call: Call, name: str) -> str:
        return f"{self._table}/{call.account}/{call.region}/{name}"
