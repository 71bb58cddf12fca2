"""Jobs whose command runs as a process of this machine: its environment, its log, its end."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import CONFIG_MAPS, PODS, SECRETS, TestCluster

JOBS = "/apis/batch/v1/namespaces/default/jobs"
LATER = "import time; print('begun', flush=True); time.sleep(600)"


@pytest.fixture(autouse=True)
def _processes_allowed(server: StandaloneServer) -> Iterator[None]:
    server.control("PUT", "settings", {"host_processes": True, "backoff_seconds": 0.05})
    yield
    server.control("PUT", "settings", {"host_processes": False, "backoff_seconds": 0.5})


def job(
    program: str = "print('hello')", *, policy: str = "Never", container: Any = None, **spec: Any
) -> dict[str, Any]:
    work = {"name": "work", "image": "work:1", "command": [sys.executable, "-c", program], **(container or {})}
    pod = {"restartPolicy": policy, "containers": [work]}
    return {"metadata": {"name": "j"}, "spec": {"backoffLimit": 0, "template": {"spec": pod}, **spec}}


def pod(cluster: TestCluster) -> dict[str, Any] | None:
    found = cluster.ok("GET", PODS, labelSelector="job-name=j")["items"]
    return found[-1] if found else None


def ended(cluster: TestCluster) -> dict[str, Any]:
    """The pod of the job once it has ended."""

    def over() -> dict[str, Any] | None:
        found = pod(cluster)
        return found if found and found["status"]["phase"] in ("Succeeded", "Failed") else None

    found: dict[str, Any] = cluster.eventually(over, "the end of the pod")
    return found


def written(cluster: TestCluster) -> str:
    found = pod(cluster)
    assert found is not None
    return cluster.kubectl("logs", found["metadata"]["name"])


def running(cluster: TestCluster) -> dict[str, Any]:
    def begun() -> dict[str, Any] | None:
        found = pod(cluster)
        ready = found and found["status"]["phase"] == "Running"
        return found if ready and "begun" in written(cluster) else None

    found: dict[str, Any] = cluster.eventually(begun, "a running process")
    return found


def test_the_command_runs_and_its_output_is_the_log(cluster: TestCluster) -> None:
    cluster.ok("POST", JOBS, job("import sys; print('out'); print('err', file=sys.stderr)"))

    found = ended(cluster)

    assert found["status"]["phase"] == "Succeeded"
    terminated = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (0, "Completed")
    assert sorted(written(cluster).splitlines()) == ["err", "out"]
    cluster.kubectl("wait", "--for=condition=Complete", "job/j", "--timeout=15s")


def test_a_command_that_fails_fails_its_job_with_its_exit_code(cluster: TestCluster) -> None:
    cluster.ok("POST", JOBS, job("raise SystemExit(3)"))

    assert ended(cluster)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    cluster.kubectl("wait", "--for=condition=Failed", "job/j", "--timeout=15s")


def test_a_command_that_does_not_exist_cannot_start(cluster: TestCluster) -> None:
    cluster.ok("POST", JOBS, job(container={"command": ["no-such-program"]}))

    terminated = ended(cluster)["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["reason"], terminated["exitCode"]) == ("StartError", 128)
    assert "no-such-program" in terminated["message"]


def test_a_process_has_the_variables_of_its_container_and_no_others(
    cluster: TestCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = base64.b64encode(b"s3cret").decode()
    cluster.ok("POST", CONFIG_MAPS, {"metadata": {"name": "settings"}, "data": {"COLOUR": "blue"}})
    cluster.ok("POST", SECRETS, {"metadata": {"name": "keys"}, "data": {"password": secret}})
    env = [
        {"name": "PLAIN", "value": "a"},
        {"name": "REFERRING", "value": "$(PLAIN)-$(COLOUR)-$$(PLAIN)"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "JOB", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['job-name']"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
    ]
    container = {
        "env": env,
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "args": ["$(PLAIN)"],
        "resources": {"limits": {"cpu": "250m"}},
    }
    program = "import os, sys, json; print(json.dumps([sys.argv[1], dict(os.environ)]))"
    cluster.ok("POST", JOBS, job(program, container=container))
    ended(cluster)

    argument, variables = json.loads(written(cluster))

    assert argument == "a"
    given = {name: variables.pop(name) for name in ("PLAIN", "REFERRING", "PASSWORD", "POD", "JOB", "CPU", "COLOUR")}
    assert given == {
        "PLAIN": "a",
        "REFERRING": "a-blue-$(PLAIN)",
        "PASSWORD": "s3cret",
        "POD": "default",
        "JOB": "j",
        "CPU": "250m",
        "COLOUR": "blue",
    }
    assert variables.keys() <= {"PATH", "HOME", "TMPDIR", "LANG", "HOSTNAME", "LC_CTYPE"}


def test_a_log_is_followed_to_the_end_of_the_process(cluster: TestCluster, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    program = (
        "import pathlib, time; print('begun', flush=True)\n"
        f"while not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)\n"
        "print('end')"
    )
    cluster.ok("POST", JOBS, job(program))
    name = running(cluster)["metadata"]["name"]

    response = cluster.api_client.call_api(
        f"{PODS}/{name}/log",
        "GET",
        query_params=[("follow", "True")],
        auth_settings=["BearerToken"],
        _preload_content=False,
        _return_http_data_only=True,
    )
    stream = response.stream(amt=None)
    first = next(stream)
    gate.touch()

    assert first == b"begun\n"
    assert b"".join(stream) == b"end\n"


def test_tail_timestamps_and_the_previous_run(cluster: TestCluster) -> None:
    program = (
        "import pathlib, sys; p = pathlib.Path('ran'); again = p.exists(); p.touch(); print(again); sys.exit(not again)"
    )
    cluster.ok("POST", JOBS, job(program, policy="OnFailure", backoffLimit=3))

    found = ended(cluster)

    name = found["metadata"]["name"]
    assert found["status"]["containerStatuses"][0]["restartCount"] == 1
    assert cluster.kubectl("logs", name, "--previous") == "False\n"
    assert cluster.kubectl("logs", name, "--tail=0") == ""
    stamp, text = cluster.kubectl("logs", name, "--timestamps").split()
    assert (stamp[4], stamp[-1], text) == ("-", "Z", "True")


def test_a_failed_pod_is_replaced_until_one_succeeds(cluster: TestCluster, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    program = (
        f"import pathlib, sys; p = pathlib.Path({str(marker)!r}); again = p.exists(); p.touch(); sys.exit(not again)"
    )
    cluster.ok("POST", JOBS, job(program, backoffLimit=2))

    cluster.kubectl("wait", "--for=condition=Complete", "job/j", "--timeout=15s")

    status = cluster.ok("GET", f"{JOBS}/j")["status"]
    assert (status["succeeded"], status["failed"]) == (1, 1)


def test_init_containers_run_one_after_the_other_before_the_others(cluster: TestCluster, tmp_path: Path) -> None:
    def say(word: str) -> list[str]:
        return [sys.executable, "-c", f"open({str(tmp_path / 'said')!r}, 'a').write({word!r})"]

    body = job(container={"command": say("c")})
    init = [{"name": name, "image": "work:1", "command": say(name)} for name in ("a", "b")]
    body["spec"]["template"]["spec"]["initContainers"] = init
    cluster.ok("POST", JOBS, body)

    assert ended(cluster)["status"]["phase"] == "Succeeded"
    assert (tmp_path / "said").read_text() == "abc"


def test_deleting_the_pod_ends_the_process_and_all_it_started(cluster: TestCluster, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    child = f"import time, pathlib\nwhile True: pathlib.Path({str(alive)!r}).touch(); time.sleep(0.01)"
    program = f"import subprocess, sys; print('begun', flush=True); subprocess.run([sys.executable, '-c', {child!r}])"
    cluster.ok("POST", JOBS, job(program))
    name = running(cluster)["metadata"]["name"]
    cluster.eventually(alive.exists, "the child at work")

    cluster.ok("DELETE", f"{JOBS}/j", {"propagationPolicy": "Foreground"})

    cluster.eventually(lambda: cluster.call("GET", f"{PODS}/{name}").code == 404, "the pod gone")

    def still() -> bool:
        alive.unlink(missing_ok=True)
        return not any(alive.exists() for _ in range(1000))

    cluster.eventually(still, "the child gone")


def test_a_deadline_ends_the_process(cluster: TestCluster) -> None:
    cluster.ok("POST", JOBS, job(LATER, activeDeadlineSeconds=1))

    cluster.kubectl("wait", "--for=condition=Failed", "job/j", "--timeout=60s")

    cluster.eventually(lambda: pod(cluster) is None, "the pod gone")


def test_a_process_that_the_servers_end_took_along_has_failed(tmp_path: Path) -> None:
    own = StandaloneServer.start(tmp_path)
    try:
        own.control("PUT", "settings", {"host_processes": True, "pod_ready_seconds": 0.05})
        own.create_cluster("dev")
        with own.api_client("dev") as client:
            cluster = TestCluster(client, own, "dev")
            cluster.ok("POST", JOBS, job(LATER))
            running(cluster)
        own.kill()
        own = StandaloneServer.start(tmp_path)
        own.control("PUT", "settings", {"host_processes": True})
        with own.api_client("dev") as client:
            cluster = TestCluster(client, own, "dev")
            terminated = ended(cluster)["status"]["containerStatuses"][0]["state"]["terminated"]
            assert (terminated["exitCode"], terminated["reason"]) == (137, "ContainerStatusUnknown")
            assert written(cluster) == "begun\n"
    finally:
        own.end()


def test_without_leave_a_command_is_not_run_and_says_so(cluster: TestCluster) -> None:
    cluster.server.control("PUT", "settings", {"host_processes": False})
    cluster.ok("POST", JOBS, job())

    def reason() -> dict[str, str]:
        statuses = (pod(cluster) or {}).get("status", {}).get("containerStatuses", [{"state": {}}])
        waiting: dict[str, str] = statuses[0]["state"].get("waiting", {})
        return waiting if waiting.get("message") else {}

    waiting = cluster.eventually(reason, "a reason")
    assert waiting["reason"] == "CreateContainerError"
    assert waiting["message"].startswith("unsupported in the sandbox")


def test_the_product_s_own_program_needs_no_leave(cluster: TestCluster) -> None:
    cluster.server.control("PUT", "settings", {"host_processes": False})
    order = ["ils", "cluster-job", "nothing", "s3://bucket/order.json", "--region", "us-east-1"]
    cluster.ok("POST", JOBS, job(container={"command": order}))

    assert ended(cluster)["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 2
    assert "found 'nothing'" in written(cluster)


def test_a_volume_that_no_process_can_have_is_unsupported(cluster: TestCluster) -> None:
    body = job(container={"volumeMounts": [{"name": "settings", "mountPath": "/etc/settings"}]})
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "settings", "configMap": {"name": "settings"}}]
    cluster.ok("POST", JOBS, body)

    def message() -> str:
        statuses = (pod(cluster) or {}).get("status", {}).get("containerStatuses", [{"state": {}}])
        return str(statuses[0]["state"].get("waiting", {}).get("message", ""))

    assert "mounts settings at /etc/settings" in cluster.eventually(message, "a reason")


@pytest.mark.parametrize(("there", "phase"), [("name: ils", "Succeeded"), ("name: another", "Pending")])
def test_a_config_map_is_mounted_where_its_files_already_are(
    cluster: TestCluster, tmp_path: Path, there: str, phase: str
) -> None:
    (tmp_path / "settings.yaml").write_text(there, encoding="utf-8")
    cluster.ok("POST", CONFIG_MAPS, {"metadata": {"name": "settings"}, "data": {"settings.yaml": "name: ils"}})
    body = job(container={"volumeMounts": [{"name": "settings", "mountPath": str(tmp_path)}]})
    body["spec"]["template"]["spec"]["volumes"] = [{"name": "settings", "configMap": {"name": "settings"}}]

    cluster.ok("POST", JOBS, body)

    def settled() -> bool:
        found = pod(cluster)
        if found is None or found["status"]["phase"] != phase:
            return False
        return phase == "Succeeded" or "unsupported in the sandbox" in json.dumps(found["status"])

    assert cluster.eventually(settled, phase)
