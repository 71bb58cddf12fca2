"""Parameter groups: a named set of engine settings, of which only the changed ones count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ils_sandbox.provider.resource import Scope
from ils_sandbox.provider.values import Plain


@dataclass(frozen=True)
class ParameterCalls:
    """How a service changes the parameters of a group."""

    modify: str
    reset: str
    group_member: str
    list_member: str
    as_request: Callable[[Plain], Plain]
    as_reset: Callable[[Plain], Plain]
    at_once: int = 20

    def set_all(self, scope: Scope, id_: str, inputs: Plain, _described: Plain) -> None:
        """After a create: the group starts with the engine's own values."""
        self._run(scope, self.modify, id_, [self.as_request(p) for p in inputs.get("parameters", ())])

    def change(self, scope: Scope, id_: str, old: Plain, new: Plain) -> None:
        before = {parameter["name"]: parameter for parameter in old.get("parameters", ())}
        after = {parameter["name"]: parameter for parameter in new.get("parameters", ())}
        gone = [before[name] for name in sorted(before.keys() - after.keys())]
        changed = [after[name] for name in sorted(after) if before.get(name) != after[name]]
        self._run(scope, self.modify, id_, [self.as_request(parameter) for parameter in changed])
        self._run(scope, self.reset, id_, [self.as_reset(parameter) for parameter in gone])

    def _run(self, scope: Scope, operation: str, id_: str, parameters: list[Plain]) -> None:
        for batch in _batches(parameters, self.at_once):
            scope.call(operation, **{self.group_member: id_, self.list_member: batch})


def _batches(items: list[Plain], size: int) -> Iterator[list[Plain]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
