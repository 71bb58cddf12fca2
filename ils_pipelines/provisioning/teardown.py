"""What has to hold before an environment is deleted. Looked at for all layers before the first of them is touched."""

from __future__ import annotations

from datetime import UTC, datetime

from ils_pipelines.engine.errors import ProtectedResource, StackLocked
from ils_pipelines.errors import IlsError
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.environment import Environment
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


class NotExpired(IlsError):
    """An environment was to be deleted because its time is over, and it is not. Nothing was deleted."""

    def __init__(self, environment: Environment) -> None:
        until = environment.ephemeral and f"one that lasts until {environment.ephemeral.expires:%Y-%m-%d %H:%M:%S} UTC"
        super().__init__(
            f"expected {environment.name} to be an ephemeral environment whose time is over, found "
            f"{until or 'one that lasts'}. Nothing was deleted."
        )


def check_teardown(target: Target, *, confirmed: str, only_expired: bool = False) -> None:
    """Raise unless the target's environment may be deleted now.

    With `only_expired`, which is how nobody but a sensor asks, also raises `NotExpired` for everything that was not made to
    end by now. Raises `TeardownNotConfirmed`; `StackLocked` while something works on one of its layers; `ProtectedResource`
    when any layer has a protected resource, so that no layer is deleted when another would be refused halfway.
    """
    name = target.environment.name
    if confirmed != name:
        raise TeardownNotConfirmed(name, confirmed)
    ephemeral = target.environment.ephemeral
    if only_expired and (ephemeral is None or not ephemeral.expired(datetime.now(UTC))):
        raise NotExpired(target.environment)
    protected: tuple[str, ...] = ()
    for layer in Layer:
        work = layer_work(target, layer)
        if holder := work.lock_holder():
            raise StackLocked(f"ils-{layer}/{name}", holder)
        protected += work.protected()
    if protected:
        raise ProtectedResource(protected)
