"""Findings about what database, cache and application told the job."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ils_pipelines.operations.health.judging import finding
from ils_pipelines.operations.health.models import HealthFinding, HealthStatus
from ils_pipelines.operations.health.vitals.answers import PageAnswer
from ils_pipelines.operations.health.vitals.job import Vitals
from ils_pipelines.operations.probing import Probe
from ils_pipelines.operations.view import View
from ils_pipelines.release.names import APP_NAME
from ils_pipelines.release.objects import NAMESPACE
from ils_pipelines.settings.layers import Layer

if TYPE_CHECKING:
    from ils_pipelines.targets.jobs import JobRunner
    from ils_pipelines.targets.protocol import Target

WARN_PERCENT, CRITICAL_PERCENT = 80, 95
"""Of what there is, from which on a use is degraded, and unhealthy."""
MOST_DATABASE_BYTES = 128 << 40
"""What an Aurora volume grows to by itself: 128 TiB."""
_MIB = 1 << 20

_LOGIN_REMEDY = (
    "If the database runs, its password and the application's differ: release again (ils up), which reads it anew."
)
_TOKEN_REMEDY = (
    "If the cache runs, its token and the application's differ: release again (ils up), which reads it anew."  # noqa: S105
)
_CONNECTIONS_REMEDY = "See who holds them (pg_stat_activity); fewer pods, smaller pools, or a larger instance."
_STORAGE_REMEDY = "Delete or archive what is not needed: the volume ends there."
_MEMORY_REMEDY = "See what fills it (INFO memory); give keys an expiry, or take larger nodes (cache.node_type)."
_CLIENTS_REMEDY = "See who holds them (CLIENT LIST); fewer pods or smaller pools."
_PAGE_REMEDY = "Look at the pods' logs: /ready names what the application misses (ils rollback goes back a release)."


def vitals_probes(target: Target, jobs: JobRunner) -> tuple[Probe[HealthFinding], ...]:
    """They share one job, which runs beside the other probes. None where there is never an application to ask as."""
    if Layer.APP_RELEASE not in target.environment.layers:
        return ()
    vitals = Vitals(target, jobs)
    return (
        Probe("database", Layer.DATABASE, "answers of the database", lambda view: _database(view, vitals)),
        Probe("cache", Layer.CACHE, "answers of the cache", lambda view: _cache(view, vitals)),
        Probe("app_release", Layer.CLUSTER, "answers of the application", lambda view: _application(view, vitals)),
    )


def _database(view: View, vitals: Vitals) -> Iterator[HealthFinding]:
    name = view.output("cluster_identifier")
    told = vitals.answers().database
    yield _answered(f"login to database {name}", "a login and an answer", told.failure, _LOGIN_REMEDY)
    if not told.failure:
        used = f"connections of database {name}"
        yield saturation(used, told.connections, told.most_connections, "connections", _CONNECTIONS_REMEDY)
        size = f"storage of database {name}"
        yield saturation(size, told.bytes // _MIB, MOST_DATABASE_BYTES // _MIB, "MiB", _STORAGE_REMEDY)


def _cache(view: View, vitals: Vitals) -> Iterator[HealthFinding]:
    name = view.output("replication_group_id")
    told = vitals.answers().cache
    yield _answered(f"login to cache {name}", "a login and a PONG", told.failure, _TOKEN_REMEDY)
    if not told.failure:
        since = f"{told.evicted} keys evicted since its start"
        yield saturation(
            f"memory of cache {name}", told.bytes // _MIB, told.most_bytes // _MIB, "MiB", _MEMORY_REMEDY, since
        )
        since = f"{told.rejected} refused since its start"
        clients = f"connections of cache {name}"
        yield saturation(clients, told.clients, told.most_clients, "connections", _CLIENTS_REMEDY, since)


def _application(view: View, vitals: Vitals) -> Iterator[HealthFinding]:
    app = view.environment.app
    if not any(each["metadata"]["name"] == app.namespace for each in view.live.objects(NAMESPACE)):
        return  # never released
    where = f"service {app.namespace}/{APP_NAME}"
    yield from page_findings(where, vitals.answers().pages)


def page_findings(where: str, pages: Iterable[PageAnswer]) -> Iterator[HealthFinding]:
    """What the application answers is 200, or nothing that a load balancer would take for well."""
    for page in pages:
        failure = page.failure or ("" if page.code == 200 else str(page.code))
        yield _answered(f"{where} {page.path}", "200", failure, _PAGE_REMEDY)


def _answered(component: str, expected: str, failure: str, remedy: str) -> HealthFinding:
    status = HealthStatus.UNHEALTHY if failure else HealthStatus.HEALTHY
    return finding(component, expected, failure or expected, remedy, status)


def saturation(component: str, used: int, most: int, unit: str, remedy: str, detail: str = "") -> HealthFinding:
    """A finding about how much of something is used. Without a limit nobody can tell."""
    expected = f"less than {WARN_PERCENT} % of the {unit}"
    more = f"; {detail}" if detail else ""
    if most <= 0:
        return finding(component, expected, f"{used} {unit}, of an unknown number{more}", remedy, HealthStatus.UNKNOWN)
    percent = 100 * used / most
    status = HealthStatus.HEALTHY
    if percent >= WARN_PERCENT:
        status = HealthStatus.UNHEALTHY if percent >= CRITICAL_PERCENT else HealthStatus.DEGRADED
    return finding(component, expected, f"{used} of {most} {unit}, {percent:.0f} %{more}", remedy, status)
