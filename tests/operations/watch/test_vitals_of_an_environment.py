"""Database, cache and application are asked themselves, by a job in the cluster that has the application's own login."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from kubernetes.client import AppsV1Api, BatchV1Api, CoreV1Api, NetworkingV1Api

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.operations.access.database import database_access
from ils_pipelines.operations.health.look import health
from ils_pipelines.operations.health.models import HealthFinding, HealthReport, HealthStatus
from ils_pipelines.operations.health.vitals.answers import answers_in
from ils_pipelines.operations.health.vitals.asking import (
    AUTHORITIES,
    PATHS,
    SERVICE,
    ask_database,
    ask_page,
    service_address,
)
from ils_pipelines.operations.health.vitals.job import POLICY, vitals_job
from ils_pipelines.operations.health.vitals.probes import CRITICAL_PERCENT, WARN_PERCENT, page_findings, saturation
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.release.cluster import Cluster
from ils_pipelines.release.names import SECRET_NAME
from ils_pipelines.release.objects import SECRET, ref_of
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.layers import Layer
from ils_pipelines.targets.job_manifest import job_manifest
from tests.end_to_end.conftest import LocalSandbox
from tests.operations.watch.health_cases import CASES
from tests.operations.watch.site import Change, Site, change, until

pytestmark = pytest.mark.timeout(600)

NAMESPACE = "ils-dev"
ASKED = (Layer.DATABASE, Layer.CACHE, Layer.APP_RELEASE)
LOGINS = ("login to database ils-dev", "login to cache ils-dev")
HEALTHY, DEGRADED, UNHEALTHY = HealthStatus.HEALTHY, HealthStatus.DEGRADED, HealthStatus.UNHEALTHY
PAGES = LIVES, READY = (f"service {NAMESPACE}/ils /health", f"service {NAMESPACE}/ils /ready")
CANARY = "zq7-canary-zq7"


def vitals(site: Site) -> HealthReport:
    return health(site.asks, ASKED, run_cluster_job)


def named(report: HealthReport) -> dict[str, HealthFinding]:
    return {each.component: each for each in report.findings}


def jobs(site: Site) -> list[str]:
    return [each.metadata.name for each in BatchV1Api(site.kubernetes()).list_namespaced_job(NAMESPACE).items]


@pytest.fixture(scope="module")
def well(site: Site) -> HealthReport:
    """Of an environment whose database has been used: its server is started for the first who comes."""
    with database_access(site.target, "ils-dev").connect():
        return vitals(site)


def test_a_new_environment_lets_in_and_has_room(site: Site, well: HealthReport) -> None:
    found = named(well)
    for component in (
        *LOGINS,
        "connections of database ils-dev",
        "storage of database ils-dev",
        "memory of cache ils-dev",
        "connections of cache ils-dev",
    ):
        assert found[component].status is HEALTHY, found[component]
    assert "of 200 connections" in found["connections of database ils-dev"].found
    assert well.problems == ()
    assert well.sound
    assert jobs(site) == []


def test_the_application_answers_that_it_lives_and_is_ready(well: HealthReport) -> None:
    assert {path: named(well)[path].found for path in PAGES} == dict.fromkeys(PAGES, "200")
    assert {named(well)[path].status for path in PAGES} == {HEALTHY}


@pytest.mark.usefixtures("well")
def test_what_it_leaves_is_no_part_of_the_release(site: Site) -> None:
    assert layer_work(site.target, Layer.APP_RELEASE).preview().empty
    assert site.layer_drift(Layer.APP_RELEASE).findings == ()


def test_a_database_that_is_down_is_named_and_hides_nothing_else(site: Site) -> None:
    stopped = next(case for case in CASES if case.found == "stopped")
    with stopped.breaks(site):
        found = named(vitals(site))

    down = found["login to database ils-dev"]
    assert (down.status, bool(down.remedy)) == (UNHEALTHY, True)
    assert "connection" in down.found
    assert "connections of database ils-dev" not in found
    assert found["login to cache ils-dev"].status is HEALTHY
    assert (found[READY].status, found[READY].found, found[LIVES].status) == (UNHEALTHY, "503", HEALTHY)


@change
def _another_token(site: Site) -> Iterator[None]:
    """The cache lets the application in no more."""
    secret = CoreV1Api(site.kubernetes()).read_namespaced_secret(SECRET_NAME, NAMESPACE)
    caches = site.client("elasticache")

    def let_in(token: str) -> None:
        order = {"ReplicationGroupId": "ils-dev", "AuthToken": token, "ApplyImmediately": True}
        caches.modify_replication_group(**order, AuthTokenUpdateStrategy="ROTATE")
        caches.modify_replication_group(**order, AuthTokenUpdateStrategy="SET")

    let_in(f"{CANARY}-{CANARY}")
    try:
        yield
    finally:
        let_in(base64.b64decode(secret.data["REDIS_AUTH_TOKEN"]).decode())


@change
def _crashing(site: Site) -> Iterator[None]:
    place, told = "clusters/ils-dev/images", {"image": site.target.environment.app.image, "outcome": "crashes"}
    apps = AppsV1Api(site.kubernetes())

    def available() -> int:
        return apps.read_namespaced_deployment_status("ils", NAMESPACE).status.available_replicas or 0

    wanted = available()
    site.sandbox.control(place, told, server="kubernetes")
    until(lambda: available() == 0, "no pod runs")
    try:
        yield
    finally:
        site.sandbox.control(place, {**told, "outcome": None}, server="kubernetes")
        until(lambda: available() == wanted, "all pods run again")


@pytest.mark.parametrize(
    ("breaks", "unwell"), [(_another_token, {LOGINS[1], READY}), (_crashing, {LIVES, READY})], ids=["cache", "image"]
)
def test_an_application_that_misses_something_or_does_not_run_is_unhealthy(
    site: Site, breaks: Change, unwell: set[str]
) -> None:
    with breaks(site):
        broken = named(vitals(site))
    mended = named(vitals(site))

    asked = {*LOGINS, *PAGES}
    assert {each for each in asked if broken[each].status is UNHEALTHY} == unwell
    assert all(broken[each].remedy for each in unwell)
    assert {mended[each].status for each in asked} == {HEALTHY}


@contextmanager
def _with_secret(site: Site, key: str, change: Any) -> Iterator[None]:
    """The application's Secret with one value changed; put back with the owners that its fields had."""
    with site.kubernetes() as api:
        live = CoreV1Api(api).read_namespaced_secret(SECRET_NAME, NAMESPACE)
        metadata = {
            name: getattr(live.metadata, name) for name in ("name", "namespace", "labels", "annotations")
        }  # as it was applied
        before = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": live.type, "data": live.data}
        changed = base64.b64encode(change(base64.b64decode(live.data[key]).decode()).encode()).decode()
        cluster, ref = Cluster(api), ref_of(SECRET, before)
        cluster.apply(ref, {**before, "data": {**live.data, key: changed}}, force=True)
        try:
            yield
        finally:
            cluster.apply(ref, before, force=True)


def _wrong_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, _, more = rest.partition(":")
    return f"{scheme}://{user}:{CANARY}@{more.rpartition('@')[2]}"


def test_logins_that_do_not_fit_are_unhealthy_and_told_without_a_secret(site: Site, sandbox: LocalSandbox) -> None:
    with ExitStack() as changes:
        changes.enter_context(_with_secret(site, "DATABASE_URL", _wrong_password))
        changes.enter_context(_with_secret(site, "REDIS_AUTH_TOKEN", lambda _token: CANARY))
        ran = sandbox.ils("health", "dev", "--json", code=1)

    layers = json.loads(ran.stdout)["layers"]
    found = {each["component"]: each for layer in layers for each in layer["components"]}
    database, cache = (found[component] for component in LOGINS)
    assert (database["status"], cache["status"]) == (UNHEALTHY, UNHEALTHY)
    assert "password authentication failed" in database["found"]
    assert "invalid username-password pair" in cache["found"]
    # Pods know what they were started with.
    assert found[READY]["status"] == HEALTHY
    assert CANARY not in ran.stdout + ran.stderr


def test_an_address_that_cannot_be_read_is_not_shown() -> None:
    told = ask_database(f"postgresql://ils:{CANARY}%zz@localhost/ilsdb")

    assert told.failure
    assert CANARY not in told.failure


def test_the_job_is_given_no_secret_by_whoever_asks_for_it(site: Site) -> None:
    job = vitals_job(site.target)

    assert job.secrets == {}
    [container] = job_manifest(job)["spec"]["template"]["spec"]["containers"]
    taken = {each["name"]: each["valueFrom"] for each in container["env"] if "valueFrom" in each}
    assert {name for name, source in taken.items() if "secretKeyRef" in source} == {"DATABASE_URL", "REDIS_AUTH_TOKEN"}
    said = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    assert said.keys() == {AUTHORITIES, PATHS, SERVICE}
    assert "BEGIN CERTIFICATE" in said[AUTHORITIES]


@pytest.mark.slow
def test_many_connections_are_degraded(site: Site) -> None:
    access = database_access(site.target, "ils-dev")
    with ExitStack() as sessions:
        for _ in range(200 * WARN_PERCENT // 100 + 5):
            sessions.enter_context(access.connect())
        found = named(vitals(site))

    crowded = found["connections of database ils-dev"]
    assert (crowded.status, bool(crowded.remedy)) == (DEGRADED, True)
    assert found["login to database ils-dev"].status is HEALTHY


def test_a_job_that_may_not_be_made_leaves_everything_unknown(site: Site) -> None:
    fault = {"service": "kubernetes", "operation": "create jobs", "error_code": "Forbidden", "status": 403}
    site.sandbox.control("faults", {**fault, "times": 20, "after": 0}, method="POST", server="kubernetes")
    try:
        report = vitals(site)
    finally:
        site.sandbox.control("faults", method="DELETE", server="kubernetes")

    found = named(report)
    for components in ("answers of the database", "answers of the cache"):
        assert found[components].status is HealthStatus.UNKNOWN
        assert "403" in found[components].found
    assert not report.sound


def test_without_a_release_there_is_no_login_to_ask_with(site: Site) -> None:
    environment = site.target.environment
    elsewhere = environment.app.model_copy(update={"namespace": "ils-elsewhere"})
    report = vitals(site.sibling(environment.model_copy(update={"app": elsewhere})))

    unknown = [each for each in report.problems if each.status is HealthStatus.UNKNOWN]
    assert [each.component for each in unknown] == ["answers of the database", "answers of the cache"]
    assert all("no release" in each.found for each in unknown)


def test_an_environment_without_an_application_is_not_asked(site: Site) -> None:
    environment = site.target.environment
    layers = tuple(layer for layer in environment.layers if layer is not Layer.APP_RELEASE)
    report = vitals(site.sibling(environment.model_copy(update={"layers": layers})))

    assert not any(component.startswith(("answers", "login")) for component in named(report))


def test_what_was_never_provisioned_is_not_asked(site: Site) -> None:
    assert vitals(site.sibling(Environment(name="never"))).findings == ()


@pytest.mark.usefixtures("well")
def test_only_its_own_job_is_let_out_by_the_policy(site: Site) -> None:
    policy = NetworkingV1Api(site.kubernetes()).read_namespaced_network_policy(POLICY, NAMESPACE)
    labels = job_manifest(vitals_job(site.target))["spec"]["template"]["metadata"]["labels"]
    assert policy.spec.pod_selector.match_labels == labels
    pods = CoreV1Api(site.kubernetes()).list_namespaced_pod(NAMESPACE).items
    assert pods
    assert not any(labels.items() <= (pod.metadata.labels or {}).items() for pod in pods)


@pytest.mark.parametrize(
    ("used", "most", "status"),
    [
        (WARN_PERCENT - 1, 100, HEALTHY),
        (WARN_PERCENT, 100, DEGRADED),
        (CRITICAL_PERCENT - 1, 100, DEGRADED),
        (CRITICAL_PERCENT, 100, UNHEALTHY),
        (5, 0, HealthStatus.UNKNOWN),
    ],
)
def test_how_full_is_too_full(used: int, most: int, status: HealthStatus) -> None:
    found = saturation("memory", used, most, "MiB", "Make room.")

    assert (found.status, found.remedy) == (status, "" if status is HEALTHY else "Make room.")


@pytest.mark.parametrize("line", ["", "Traceback", "vitals: {", 'vitals: {"database": {}}'])
def test_a_log_without_answers_tells_nothing(line: str) -> None:
    assert answers_in([line]) is None


@pytest.fixture
def application() -> Iterator[str]:
    """Well, and not ready."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ({}, "http://ils.ils-dev.svc.cluster.local:5000"),
        ({"ILS_SERVICE_HOST": "172.20.7.1"}, "http://ils.ils-dev.svc.cluster.local:5000"),
        ({"ILS_SERVICE_HOST": "172.20.7.1", "ILS_SERVICE_PORT": "5000"}, "http://172.20.7.1:5000"),
        ({"ILS_SERVICE_HOST": "fd00::7", "ILS_SERVICE_PORT": "5000"}, "http://[fd00::7]:5000"),
    ],
    ids=["name", "incomplete", "v4", "v6"],
)
def test_the_service_is_asked_where_kubernetes_says_it_is_or_by_its_name(
    site: Site, told: dict[str, str], address: str
) -> None:
    assert service_address({**vitals_job(site.target).variables, **told}) == address


def test_pages_are_healthy_at_200_alone(application: str) -> None:
    pages = [ask_page(application, "/health"), ask_page(application, "/ready")]
    pages.append(ask_page("http://127.0.0.1:1", "/health"))

    found = list(page_findings("service", pages))

    assert [each.status for each in found] == [HEALTHY, UNHEALTHY, UNHEALTHY]
    assert found[1].found == "503"
    assert "Connection" in found[2].found
