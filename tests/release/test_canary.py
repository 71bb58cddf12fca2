"""A release is tried on a few pods before all, step by step, and does not go on when a check fails."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ils_pipelines.engine.errors import OperationCancelled
from ils_pipelines.engine.models import EngineEvent
from ils_pipelines.release.canary.checks import AnswersHttp, Check, Succeeds, WithinQuery
from ils_pipelines.release.canary.run import canary_pods
from ils_pipelines.release.errors import ReleaseFailed
from ils_pipelines.release.settings import RolloutLimits
from ils_pipelines.settings.canary import CommandCheck, HttpCheck, PrometheusCheck
from ils_pipelines.targets.job_manifest import job_manifest
from ils_pipelines.targets.jobs import ClusterJob
from tests.release.readiness import fewest_ready
from tests.release.site import Site

CANARY = {"canary": {"enabled": True, "steps": [25, 50], "pause_seconds": 0}}
OLD, NEW = {**CANARY, "image": "ils/app:1.0.0"}, {**CANARY, "image": "ils/app:1.1.0"}
LIMITS = RolloutLimits(deadline=timedelta(seconds=30), patience=timedelta(seconds=0.3))


def found(site: Site, kind: str, *names: str) -> Any:
    return json.loads(site.kubectl("-n", "ils-dev", "get", kind, *names, "-o", "json"))


def names(site: Site, kind: str) -> list[str]:
    return sorted(each["metadata"]["name"] for each in found(site, kind)["items"])


class Says:
    """A check that finds what it is told to, in turn."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        self.looked = 0

    def problem(self) -> str:
        self.looked += 1
        return self.problems.pop(0) if self.problems else ""


def test_a_release_goes_step_by_step_to_all_pods_and_leaves_nothing_of_its_trial(site: Site) -> None:
    site.release(OLD).up()
    said: list[str] = []
    check = Says()

    site.release(NEW, checks=[check]).up(on_event=lambda event: said.append(event.message))

    steps = [message for message in said if message.startswith("canary at")]
    assert steps == ["canary at 25 %: 1 of 4 pods (25 %) are new", "canary at 50 %: 3 of 6 pods (50 %) are new"]
    assert check.looked == 2
    assert names(site, "deployments") == ["ils"]
    assert names(site, "configmaps") == ["ils-config", "ils-release-1", "ils-release-2", "kube-root-ca.crt"]
    assert names(site, "secrets") == ["ils-secrets"]
    assert site.release(NEW).preview().empty


def test_no_pod_that_serves_is_missing_while_a_release_is_tried(site: Site) -> None:
    site.release(OLD).up()

    assert fewest_ready(site, lambda: site.release(NEW).up()) >= 3


def test_a_check_that_fails_ends_the_trial_before_any_old_pod_is_touched(site: Site) -> None:
    site.release(OLD).up()
    before = found(site, "deployment", "ils")["metadata"]["generation"]

    with pytest.raises(ReleaseFailed) as failure:
        site.release(NEW, checks=[Says("", "too many errors")]).up()

    assert "try at 50 %" in str(failure.value)
    assert "too many errors" in str(failure.value)
    assert failure.value.rolled_back_to == 1
    assert found(site, "deployment", "ils")["metadata"]["generation"] == before
    assert names(site, "deployments") == ["ils"]
    assert site.release(OLD).preview().empty


def test_a_broken_image_ends_the_trial_likewise(site: Site) -> None:
    site.release(OLD).up()

    with pytest.raises(ReleaseFailed, match=r"CrashLoopBackOff(.|\n)*Rolled back to release 1"):
        site.release({**CANARY, "image": "ils/app:crash"}).up()

    assert names(site, "deployments") == ["ils"]
    assert found(site, "deployment", "ils")["status"]["availableReplicas"] == 3


def test_new_pods_read_the_new_configuration_and_old_ones_the_old_during_the_trial(site: Site) -> None:
    site.release({**OLD, "log_level": "info"}).up()
    seen: dict[str, str] = {}

    class Looks:
        def problem(self) -> str:
            for name in ("ils-config", "ils-config-canary"):
                seen[name] = found(site, "configmap", name)["data"]["LOG_LEVEL"]
            return ""

    check: Check = Looks()
    site.release({**NEW, "log_level": "debug"}, checks=[check]).up()

    assert seen == {"ils-config": "info", "ils-config-canary": "debug"}


def test_the_first_release_and_one_that_changes_no_pod_are_not_tried(site: Site) -> None:
    check = Says()

    site.release(OLD, checks=[check]).up()
    site.release({**OLD, "min_available": 2}, checks=[check]).up()

    assert check.looked == 0


def test_what_an_interrupted_trial_left_is_removed_by_the_next_release(site: Site) -> None:
    site.release(OLD).up()
    cancel = threading.Event()

    def stop(event: EngineEvent) -> None:
        if event.message.startswith("canary at 50"):
            cancel.set()

    with pytest.raises(OperationCancelled):
        site.release(NEW).up(on_event=stop, cancel=cancel)
    assert "ils-canary" in names(site, "deployments")

    site.release(OLD).up()

    assert names(site, "deployments") == ["ils"]


@pytest.fixture
def address(site: Site) -> Iterator[str]:
    """Where the service of the release that is up leads, as containers in its namespace are told."""
    site.server.control("PUT", "settings", {"host_processes": True})
    site.release(OLD).up()
    said = "import os; print('http://' + os.environ['ILS_SERVICE_HOST'] + ':' + os.environ['ILS_SERVICE_PORT'])"
    job = job_manifest(ClusterJob("where", "ils-dev", "where:1", (sys.executable, "-c", said)))
    site.kubectl("apply", "-f", "-", stdin=json.dumps(job))
    site.kubectl("-n", "ils-dev", "wait", "--for=condition=Complete", "job/where", "--timeout=30s")
    yield site.kubectl("-n", "ils-dev", "logs", "job/where").strip()
    site.server.control("PUT", "settings", {"host_processes": False})


def test_the_application_is_asked_at_the_address_of_its_service(site: Site, address: str) -> None:
    def check(path: str) -> Check:
        return AnswersHttp(HttpCheck(url=f"{address}{path}"))

    with pytest.raises(ReleaseFailed, match=f"expected HTTP 200 from {address}/elsewhere, found 404"):
        site.release(NEW, checks=[check("/health"), check("/elsewhere")]).up()

    site.release(NEW, checks=[check("/health")]).up()


@given(st.integers(1, 50), st.integers(1, 200))
def test_new_pods_are_at_least_the_share_asked_for_and_one_less_would_not_be(weight: int, stable: int) -> None:
    count = canary_pods(weight, stable)

    assert 100 * count >= weight * (count + stable)
    assert count == 1 or 100 * (count - 1) < weight * (count - 1 + stable)


# -- the checks themselves --------------------------------------------------------------------------------------------


@contextmanager
def serving(status: int, body: str = "") -> Iterator[str]:
    """The address of a server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments: Any) -> None:
            """Nothing: a test's output is for what fails."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_address_is_well_when_it_answers_as_expected() -> None:
    with serving(503) as address:
        assert AnswersHttp(HttpCheck(url=address, status=503)).problem() == ""
        assert "expected HTTP 200" in AnswersHttp(HttpCheck(url=address)).problem()
        assert "found 503" in AnswersHttp(HttpCheck(url=address)).problem()


def test_an_address_that_does_not_answer_is_not_well() -> None:
    assert "found no answer" in AnswersHttp(HttpCheck(url="http://127.0.0.1:1/health")).problem()


def test_a_program_is_well_when_it_succeeds() -> None:
    def check(code: str, seconds: int = 30) -> str:
        return Succeeds(CommandCheck(command=(sys.executable, "-c", code), timeout_seconds=seconds)).problem()

    assert check("pass") == ""
    assert "found exit code 3: no such page" in check("import sys; print('no such page'); sys.exit(3)")
    assert "had not ended after 1 s" in check("import threading; threading.Event().wait()", 1)
    missing = Succeeds(CommandCheck(command=("/nowhere/smoke-test",)))
    assert "could not be started" in missing.problem()


def query(values: list[str], at_most: float = 0.01, status: int = 200) -> str:
    result = [{"metric": {}, "value": [1764000000, value]} for value in values]
    with serving(status, json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})) as url:
        return WithinQuery(PrometheusCheck(url=url, query="errors", at_most=at_most)).problem()


def test_a_query_is_well_when_every_value_is_within_its_bound() -> None:
    assert query(["0.001", "0.01"]) == ""
    assert query(["0.001", "0.02"]) == "expected `errors` at most 0.01, found 0.02"


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [([], 200, "nothing is measured"), (["NaN"], 200, "found nan"), (["0"], 500, "HTTP 500")],
)
def test_a_query_without_values_is_not_well(values: list[str], status: int, said: str) -> None:
    assert said in query(values, status=status)
