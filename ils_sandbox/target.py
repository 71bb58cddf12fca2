"""The target of environments that live in the sandbox: found by name from `ils_pipelines.targets`."""

from __future__ import annotations

import http.client
import os
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ils_pipelines.targets.eks import api_client, bearer_token, cluster_access
from ils_pipelines.targets.errors import TargetUnavailable
from ils_pipelines.targets.sessions import AccessKey, Clients
from ils_sandbox.state import SandboxState, state_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ils_pipelines.engine.protocol import Engine
    from ils_pipelines.settings.account import JobFamily
    from ils_pipelines.settings.environment import Environment
    from ils_sandbox.provider.aws import AwsProvider

REMEDY = "Start it with: ils sandbox start"
HEALTH_TIMEOUT_SECONDS = 30
"""One that is down refuses at once; one that has just started on a busy machine takes its time for the first answer."""
CALLER_VARIABLE = "ILS_SANDBOX_CALLER"
"""Who calls in the place of whoever provisions, for programs that meddle: their calls are not the product's."""
PROVISIONS, SANDBOX = "provision", "sandbox"


class SandboxTarget:
    """The sandbox of this machine, as the place where one environment lives."""

    name = "sandbox"
    load_balancer_listens = False

    def __init__(self, environment: Environment, family: JobFamily | None = None, *, caller: str = "") -> None:
        """Calls are recorded with who makes them and for which environment: jobs of the family, or `caller`."""
        self._environment = environment
        name = caller or family or os.environ.get(CALLER_VARIABLE) or PROVISIONS
        self._access_key = AccessKey(f"{name}.{environment.name}", "sandbox")
        self._directory = state_directory()
        self._lock = threading.RLock()
        self._engines: dict[bool, Engine] = {}
        self._clients: Clients | None = None

    @property
    def environment(self) -> Environment:
        return self._environment

    def preflight(self) -> None:
        """Raise `TargetUnavailable` unless the sandbox is up and its AWS answers."""
        address = urlsplit(self._endpoint())
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=HEALTH_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/_sandbox/health")
            status = connection.getresponse().status
        except OSError as unreachable:
            raise TargetUnavailable(
                f"the sandbox at {address.geturl()} does not answer ({unreachable}). {REMEDY}"
            ) from unreachable
        finally:
            connection.close()
        if status != 200:
            raise TargetUnavailable(
                f"the sandbox at {address.geturl()} is not healthy (HTTP {status}). "
                "Look at its logs with `ils sandbox status`, then: ils sandbox stop && ils sandbox start"
            )

    def engine(self) -> Engine:
        """The embedded engine, or the real Pulumi once the environment graduated."""
        return self.engine_of(real=self.has_graduated())

    def engine_of(self, *, real: bool) -> Engine:
        with self._lock:
            if real not in self._engines:
                self._engines[real] = self._real_engine() if real else self._embedded_engine()
            return self._engines[real]

    def has_graduated(self) -> bool:
        from ils_sandbox.graduated import has_graduated

        return has_graduated(self._stacks, self._environment.name)

    def set_graduated(self, *, graduated: bool) -> None:
        from ils_sandbox.graduated import set_graduated

        set_graduated(self._stacks, self._environment.name, graduated=graduated)

    def _embedded_engine(self) -> Engine:
        from ils_sandbox.engine.embedded import EmbeddedEngine

        return EmbeddedEngine(self._stacks, providers={"aws": self._provider}, config=self._config)

    def _real_engine(self) -> Engine:
        from ils_sandbox.pulumi import real_engine

        return real_engine(self._stacks, self._environment.engine, self._config, self._endpoint())

    @property
    def _config(self) -> dict[str, str]:
        return {f"aws:{key}": value for key, value in self.provider_config(self._region).items()}

    @property
    def _stacks(self) -> Path:
        return self._directory / "stacks"

    def client(self, service: str, *, region: str | None = None, hurried: bool = False) -> Any:
        with self._lock:
            if self._clients is None:
                self._clients = Clients(region=self._region, endpoint=self._endpoint(), access_key=self._access_key)
            return self._clients.client(service, region=region, hurried=hurried)

    def state_client(self, service: str, *, region: str | None = None) -> Any:
        """The sandbox knows one identity."""
        return self.client(service, region=region)

    def provider_config(self, region: str) -> dict[str, str]:
        return {"region": region}

    def data_authorities(self) -> Path:
        return self._state().data.ca_file

    def postgres_program(self, name: str) -> tuple[str, Mapping[str, str]]:
        from ils_sandbox.data.postgres.binaries import client_environment, program

        return str(program(name)), client_environment()

    def kubernetes(self, cluster: str, *, region: str | None = None) -> Any:
        """Exactly as on EKS: the endpoint, the authority and the token come from the (emulated) EKS and STS."""
        access = cluster_access(self.client("eks", region=region), cluster)
        return api_client(access, lambda: bearer_token(self.client("sts", region=region), cluster))

    @property
    def _region(self) -> str:
        return self._environment.aws.region

    def _endpoint(self) -> str:
        return self._state().aws.endpoint

    def _state(self) -> SandboxState:
        state = SandboxState.load(self._directory)
        if state is None:
            raise TargetUnavailable(
                f"environment {self._environment.name} lives in the sandbox, which is down. {REMEDY}"
            )
        return state

    def _provider(self, config: Mapping[str, str]) -> AwsProvider:
        """What manages the `aws` resources of a program. The engine opens one for each region that it meets."""
        from ils_sandbox.provider.aws import AwsProvider

        return AwsProvider(
            self._endpoint(),
            config["region"],
            access_key_id=self._access_key.access_key_id,
            secret_access_key=self._access_key.secret_access_key,
        )
