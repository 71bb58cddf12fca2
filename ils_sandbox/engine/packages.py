"""Which provider manages which resource."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping

from ils_pipelines.engine.acting import acting
from ils_pipelines.engine.errors import EngineError
from ils_pipelines.engine.models import Stack
from ils_sandbox.engine import urns
from ils_sandbox.engine.checkpoint import Journal
from ils_sandbox.engine.providers import AdoptingProvider, ProviderCache
from ils_sandbox.engine.resources import Resources
from ils_sandbox.engine.state import ResourceState
from ils_sandbox.engine.urns import PROVIDER_PREFIX
from ils_sandbox.engine.values import Properties, from_plain, to_plain


class Packages:
    """The providers of one stack: those its program declares, and a default one for each package."""

    def __init__(
        self, stack: Stack, config: Mapping[str, str], cache: ProviderCache, resources: Resources, journal: Journal
    ) -> None:
        self._stack = stack
        self._config = config
        self._cache = cache
        self._resources = resources
        self._journal = journal
        self._lock = threading.Lock()

    def provider_for(self, token: str, ref: str, version: str) -> tuple[AdoptingProvider, str]:
        """The provider of a type or function and its reference; the default one of its package unless `ref` names one."""
        package = token.split(":", 1)[0]
        state = self._resources.registered(ref.rpartition("::")[0]) if ref else self._default(package, version)
        if state is None:
            raise EngineError(f"{token} refers to the provider {ref}, which its program does not declare")
        return self._cache.get(package, _config_of(state)), f"{state.urn}::{state.id}"

    def provider_of(self, state: ResourceState) -> AdoptingProvider:
        """The provider that manages a resource of the checkpoint, acting as the configuration says now."""
        urn = state.provider.rpartition("::")[0]
        known = {other.urn: other for other in self._journal.snapshot().resources}
        package = state.type.split(":", 1)[0]
        if urn not in known:
            return self._cache.get(package, self._package_config(package))
        return self._cache.get(package, acting(package, _config_of(known[urn]), self._config))

    def _package_config(self, package: str) -> dict[str, str]:
        prefix = f"{package}:"
        return {key.removeprefix(prefix): value for key, value in self._config.items() if key.startswith(prefix)}

    def _default(self, package: str, version: str) -> ResourceState:
        """The provider a resource has when its program names none. Pulumi calls it `default_<version>`."""
        name = "default" + (f"_{version.replace('.', '_')}" if version else "")
        urn = urns.build(self._stack.name, self._stack.project, "", f"{PROVIDER_PREFIX}{package}", name)
        with self._lock:
            state = self._resources.registered(urn)
            if state is not None:
                return state
            old = self._resources.claim(urn)
            config: Properties = {key: from_plain(value) for key, value in self._package_config(package).items()}
            if old is not None:
                self._refuse_move(old, config)
            if version:
                config["version"] = from_plain(version)
            state = ResourceState(
                urn=urn,
                type=f"{PROVIDER_PREFIX}{package}",
                custom=True,
                id=old.id if old else str(uuid.uuid4()),
                inputs=config,
                outputs=config,
            )
            return self._resources.keep(state, old)

    def _refuse_move(self, old: ResourceState, config: Properties) -> None:
        before, now = (to_plain(inputs["region"]) if "region" in inputs else None for inputs in (old.inputs, config))
        if before != now:
            raise EngineError(
                f"stack {self._stack} is in region {before} and cannot be moved to {now}: destroy it first, or put the "
                "region back"
            )


def _config_of(state: ResourceState) -> dict[str, str]:
    return {key: str(to_plain(value, reveal=True)) for key, value in state.inputs.items() if key != "version"}
