"""One cluster of the test server, and releases into it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ils_pipelines.release.app import AppRelease
from ils_pipelines.release.canary.checks import Check
from ils_pipelines.release.canary.traffic import Traffic
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, RolloutLimits, TargetGroup
from ils_pipelines.settings.environment import Environment
from ils_sandbox.kubernetes.standalone import StandaloneServer

SECRETS = {
    "DATABASE_URL": "postgresql://ils:correct-horse@db.example.internal:5432/ilsdb",
    "REDIS_AUTH_TOKEN": "battery-staple-9b1f",
}
LIMITS = RolloutLimits(deadline=timedelta(seconds=30), patience=timedelta(seconds=0.3))


@dataclass(frozen=True)
class Site:
    """One cluster, and releases into it."""

    server: StandaloneServer
    cluster: str
    api_client: Any

    def release(
        self,
        app: Mapping[str, Any] | None = None,
        *,
        secrets: Mapping[str, str] = SECRETS,
        limits: RolloutLimits = LIMITS,
        database_host: str = "db.example.internal",
        target_group: TargetGroup | None = None,
        checks: Sequence[Check] = (),
        canary_group: TargetGroup | None = None,
        traffic: Traffic | None = None,
    ) -> AppRelease:
        environment = Environment.model_validate({"name": "dev", "app": dict(app or {})})
        return AppRelease(
            self.api_client,
            environment,
            secrets,
            database=DatabaseEndpoint(database_host, 5432, "ilsdb"),
            cache=CacheEndpoint("cache.example.internal", 6379),
            target_group=target_group,
            limits=limits,
            checks=checks,
            canary_group=canary_group,
            traffic=traffic,
        )

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        done = self.server.kubectl(self.cluster, *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def requests(self, during: Callable[[], object]) -> list[dict[str, Any]]:
        """What was asked of the server while `during` ran."""
        self.server.control("DELETE", "requests")
        during()
        found: list[dict[str, Any]] = self.server.control("GET", "requests")
        return found

    def mutating(self, during: Callable[[], object]) -> list[str]:
        return [request["operation"] for request in self.requests(during) if request["mutating"]]
