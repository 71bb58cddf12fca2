"""Jobs inside the cluster of an environment: started, listened to, waited for, and gone afterwards.

Their commands run as processes of this machine, under the Kubernetes stand-in; what is asked of the API is what EKS is asked.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from kubernetes.client import BatchV1Api, CoreV1Api
from kubernetes.client.exceptions import ApiException
from kubernetes.watch import Watch

from ils_pipelines.defs.cluster_jobs import run_cluster_job
from ils_pipelines.targets.job_objects import make_job
from ils_pipelines.targets.jobs import ClusterJob, JobCancelled, JobFailed
from ils_pipelines.targets.protocol import Target
from tests.contract.targets.conftest import CLUSTER, Place

NAMESPACE = "jobs"
SECRET = "a-password-that-nobody-reads"


@pytest.fixture
def api(target: Target) -> Iterator[Any]:
    with target.kubernetes(CLUSTER) as client:
        core = CoreV1Api(client)
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        if NAMESPACE not in {each.metadata.name for each in core.list_namespace().items}:
            core.create_namespace({"metadata": {"name": NAMESPACE, "labels": labels}})
        yield client
        BatchV1Api(client).delete_collection_namespaced_job(NAMESPACE, propagation_policy="Background")


def job(name: str, code: str, **more: Any) -> ClusterJob:
    return ClusterJob(
        name=name, namespace=NAMESPACE, image="ils/tools:1.0.0", command=(sys.executable, "-c", code), **more
    )


def test_every_line_is_heard_in_order(api: Any, kind: str) -> None:
    heard: list[str] = []
    code = "import sys\nfor n in range(500): print('line', n)\nprint('the end', end='')"
    result = run_cluster_job(api, job(f"count-{kind}", code), on_line=heard.append)

    assert heard == [*(f"line {n}" for n in range(500)), "the end"]
    assert result.attached is False


def test_lines_are_heard_while_the_job_runs(api: Any, kind: str, tmp_path: Any) -> None:
    """The job waits for a file that is made only when its first line was heard."""
    signal = tmp_path / "heard"
    code = (
        "import os, time\nprint('waiting', flush=True)\n"
        f"while not os.path.exists({str(signal)!r}): time.sleep(0.02)\nprint('done')"
    )

    def hear(line: str) -> None:
        if line == "waiting":
            signal.touch()

    run_cluster_job(api, job(f"talk-{kind}", code, timeout=timedelta(minutes=2)), on_line=hear)


def test_what_fails_says_how_it_ended_and_what_it_said_last(api: Any, kind: str) -> None:
    code = "import sys\nprint('reading table orders')\nprint('relation does not exist', file=sys.stderr)\nsys.exit(3)"

    with pytest.raises(JobFailed, match=r"(?s)failed: Error with exit code 3\..*relation does not exist") as failed:
        run_cluster_job(api, job(f"fail-{kind}", code), on_line=lambda _line: None)
    assert failed.value.exit_code == 3


def test_secrets_reach_the_container_and_nothing_else(api: Any, kind: str, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    heard: list[str] = []
    code = "import os\nprint(len(os.environ['PGPASSWORD']), os.environ['PGHOST'])"
    wanted = job(f"secret-{kind}", code, secrets={"PGPASSWORD": SECRET}, variables={"PGHOST": "database"})
    run_cluster_job(api, wanted, on_line=heard.append)

    assert heard == [f"{len(SECRET)} database"]
    assert SECRET not in caplog.text
    assert SECRET not in repr(wanted)
    assert SECRET not in str(BatchV1Api(api).read_namespaced_job(wanted.name, NAMESPACE))
    with pytest.raises(ApiException, match="404"):
        CoreV1Api(api).read_namespaced_secret(wanted.name, NAMESPACE)


def test_a_job_that_is_there_is_waited_for_and_not_started_again(api: Any, kind: str, tmp_path: Any) -> None:
    count = tmp_path / "count"
    wanted = job(f"once-{kind}", f"open({str(count)!r}, 'a').write('x')\nprint('done')")
    run_cluster_job(api, wanted, on_line=lambda _line: None)
    heard: list[str] = []
    again = run_cluster_job(api, wanted, on_line=heard.append)

    assert (again.attached, count.read_text(), heard) == (True, "x", ["done"])


def test_a_job_that_is_cancelled_is_taken_away(api: Any, kind: str) -> None:
    cancel = threading.Event()
    code = "import time\nprint('begun', flush=True)\nfor _ in range(600): print('.', flush=True); time.sleep(0.1)"
    wanted = job(f"cancel-{kind}", code)

    with pytest.raises(JobCancelled, match="was cancelled"):
        run_cluster_job(api, wanted, on_line=lambda _line: cancel.set(), cancel=cancel)
    with pytest.raises(ApiException, match="404"):
        BatchV1Api(api).read_namespaced_job(wanted.name, NAMESPACE)


def await_failed_pull(api: Any, image: str) -> None:
    for event in Watch().stream(CoreV1Api(api).list_namespaced_pod, NAMESPACE, timeout_seconds=60):
        for status in event["object"].status.container_statuses or ():
            if status.image == image and status.state.waiting and "Pull" in status.state.waiting.reason:
                return


def test_an_image_that_cannot_be_had_is_named(api: Any, kind: str) -> None:
    wanted = dataclasses.replace(
        job(f"image-{kind}", "print(1)"), image="ils/tools:does-not-exist", start_timeout=timedelta(0)
    )
    make_job(BatchV1Api(api), CoreV1Api(api), wanted)
    await_failed_pull(api, wanted.image)

    with pytest.raises(JobFailed, match=r"did not begin within 0 minutes: (ErrImagePull|ImagePullBackOff): "):
        run_cluster_job(api, wanted, on_line=lambda _line: None)
    with pytest.raises(ApiException, match="404"):
        BatchV1Api(api).read_namespaced_job(wanted.name, NAMESPACE)


def test_an_image_that_a_registry_gives_out_late_is_waited_for(api: Any, kind: str, place: Place) -> None:
    """What runs the job gives up at the first failed pull; a registry may only be slow."""
    wanted = dataclasses.replace(job(f"late-{kind}", "print('here')"), image="ils/tools:late")
    told = {"image": wanted.image, "outcome": "pull-fails"}
    place.sandbox.control(f"clusters/{CLUSTER}/images", told, server="kubernetes")

    def publish() -> None:
        await_failed_pull(api, wanted.image)
        place.sandbox.control(f"clusters/{CLUSTER}/images", {**told, "outcome": None}, server="kubernetes")

    heard: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        published = pool.submit(publish)
        run_cluster_job(api, wanted, on_line=heard.append)
        published.result()

    assert heard == ["here"]


def test_a_job_that_takes_too_long_is_ended(api: Any, kind: str) -> None:
    wanted = job(f"slow-{kind}", "import time\ntime.sleep(600)", timeout=timedelta(seconds=1))

    with pytest.raises(JobFailed, match=r"it was not done within 0:00:01"):
        run_cluster_job(api, wanted, on_line=lambda _line: None)


def test_a_namespace_that_is_not_there_is_named(api: Any, kind: str) -> None:
    wanted = dataclasses.replace(job(f"lost-{kind}", "print(1)"), namespace="nowhere")

    with pytest.raises(JobFailed, match=r'refuses it \(404 .*"nowhere" not found'):
        run_cluster_job(api, wanted, on_line=lambda _line: None)
