"""Resources that moto has deleted at once while AWS would still show them `deleting`."""

from __future__ import annotations

from copy import deepcopy

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World


class Ghosts:
    """The resources of one kind that are being deleted, by name, as they were last described."""

    def __init__(self, table: str, status_key: str, status: str = "deleting") -> None:
        self._table = f"{table}.deleting"
        self._status_key = status_key
        self._status = status

    def keep(self, call: Call, world: World, name: str, description: Result, minutes: float) -> Result:
        """Show the resource as being deleted for that many AWS minutes; what it looks like meanwhile."""
        ghost = {**deepcopy(description), self._status_key: self._status}
        world.table(self._table, call)[name] = ghost
        world.lifecycles.begin(self._key(call, name), self._status, minutes)
        return deepcopy(ghost)

    def list(self, call: Call, world: World) -> dict[str, Result]:
        """Those whose deletion is still under way."""
        table = world.table(self._table, call)
        for name in [name for name in table if world.lifecycles.phase(self._key(call, name)) is None]:
            del table[name]
        return deepcopy(table)

    def _key(self, call: Call, name: str) -> str:
        return f"{self._table}/{call.account}/{call.region}/{name}"
