"""Where an environment lives: which engine, which AWS endpoint, which cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ils_pipelines.engine.protocol import Engine
    from ils_pipelines.settings.environment import Environment


class Target(Protocol):
    """The one seam between an AWS account and the sandbox: everything else is the same code."""

    name: str
    load_balancer_listens: bool
    """Whether one there takes connections, besides having an API."""

    def preflight(self) -> None:
        """Raise `TargetUnavailable` unless the target answers. Called before anything starts."""

    def engine(self) -> Engine:
        """What applies the programs of this environment."""

    def client(self, service: str, *, region: str | None = None, hurried: bool = False) -> Any:
        """A boto3 client for `service`, in the environment's region unless another is given.

        A `hurried` one gives up after seconds: for what can be done without.
        """

    def state_client(self, service: str, *, region: str | None = None) -> Any:
        """Likewise, with the credentials of whoever runs this, not of a role that is taken on for the environment."""

    def provider_config(self, region: str) -> dict[str, str]:
        """Configuration of the `aws` Pulumi provider for `region` (keys as in Pulumi's `aws:` namespace)."""

    def data_authorities(self) -> Path:
        """PEM file of the certificate authorities that vouch for the environment's database and cache.

        Where both answer, RDS and ElastiCache say; with this file a client tells that it is them (`verify-full`).
        """

    def postgres_program(self, name: str) -> tuple[str, Mapping[str, str]]:
        """One of PostgreSQL's client programs on this machine, such as `pg_restore`, and the variables that it needs.

        Raises `TargetUnavailable` where there is none.
        """

    def kubernetes(self, cluster: str, *, region: str | None = None) -> Any:
        """A `kubernetes.client.ApiClient` for the EKS cluster of that name, in the environment's region unless another is
        given.
        """

    @property
    def environment(self) -> Environment: ...


@runtime_checkable
class TwoEngines(Protocol):
    """A target whose environments can be applied by its own engine or by the real Pulumi: the sandbox."""

    def engine_of(self, *, real: bool) -> Engine: ...

    def has_graduated(self) -> bool:
        """Whether the environment is applied by the real Pulumi."""

    def set_graduated(self, *, graduated: bool) -> None:
        """Have it applied by the real Pulumi, or by the target's own engine, from now on."""
