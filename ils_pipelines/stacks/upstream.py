"""What a program is given from outside: outputs of the layers it builds on, and a secret that nobody has yet.

Values come from outside instead of Pulumi's StackReference, because the layers of one environment may be previewed before
any of them exists: then their outputs are unknown, and the preview still shows what would be made.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    import pulumi


class UpstreamValue(Protocol):
    """One stack output; the engine's `OutputValue` is one."""

    @property
    def value(self) -> Any: ...
    @property
    def secret(self) -> bool: ...


class UpstreamMissing(IlsError):
    """A layer, or an output of it, is needed and not there."""


@dataclass(frozen=True)
class Upstream:
    """Outputs by layer; None for a layer that does not exist yet."""

    values: Mapping[Layer, Mapping[str, UpstreamValue] | None]
    token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False, compare=False)
    """64 random hexadecimal digits (256 bits), the same in every run of the program: Pulumi holds what is applied against
    what was planned, and refuses another value."""

    def output(self, layer: Layer, name: str) -> pulumi.Output[Any]:
        """One output as a program uses it: unknown in a preview while it does not exist, secret if it was.

        Raises `UpstreamMissing` when it does not exist and the program is applied.
        """
        import pulumi

        outputs = self.values.get(layer)
        if outputs is not None and name in outputs:
            found = outputs[name]
            return pulumi.Output.secret(found.value) if found.secret else pulumi.Output.from_input(found.value)
        if pulumi.runtime.is_dry_run():
            return pulumi.Output.from_input(pulumi.UNKNOWN)
        what = f"layer {layer} does not exist yet" if outputs is None else f"layer {layer} has no output {name!r}"
        raise UpstreamMissing(f"expected the output {name!r} of layer {layer}, but {what}. Apply {layer} first.")
