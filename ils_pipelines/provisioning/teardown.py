"""What has to hold before an environment is deleted. Looked at for all layers before the first of them is touched."""

from __future__ import annotations

from ils_pipelines.engine.errors import ProtectedResource, StackLocked
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.protocol import Target


class TeardownNotConfirmed(IlsError):
    """The environment's name was not given, or was another's. Nothing was deleted."""

    def __init__(self, environment: str, confirmed: str) -> None:
        found = repr(confirmed) if confirmed else "nothing"
        super().__init__(
            f"to delete every resource of {environment}, its name must be given as confirmation: expected "
            f"{environment!r}, found {found}. Nothing was deleted."
        )


def check_teardown(target: Target, *, confirmed: str) -> None:
    """Raise unless the target's environment may be deleted now.

    Raises `TeardownNotConfirmed`; `StackLocked` while something works on one of its layers; `ProtectedResource` when any
    layer has a protected resource, so that no layer is deleted when another would be refused halfway.
    """
    name = target.environment.name
    if confirmed != name:
        raise TeardownNotConfirmed(name, confirmed)
    protected: tuple[str, ...] = ()
    for layer in Layer:
        work = layer_work(target, layer)
        if holder := work.lock_holder():
            raise StackLocked(f"ils-{layer}/{name}", holder)
        protected += work.protected()
    if protected:
        raise ProtectedResource(protected)
