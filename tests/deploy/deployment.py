"""Dagster as a team runs it: deploy/dagster.yaml on a real PostgreSQL, an S3 and a cluster, all on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ils_pipelines.settings.loading import environments_directory
from ils_sandbox.data.owned import unprivileged
from ils_sandbox.data.postgres.binaries import program
from ils_sandbox.data.postgres.server import PostgresServer
from ils_sandbox.data.postgres.template import ensure_template
from ils_sandbox.data.trees import copy_tree
from ils_sandbox.kubernetes.standalone import StandaloneServer
from ils_sandbox.processes import free_port
from tests.end_to_end.conftest import LocalSandbox
from tests.support.aws_server import REGION, AwsServer

ROOT = Path(__file__).parents[2]
PRODUCTION = ROOT / "deploy" / "dagster.yaml"
NAMESPACE, CLUSTER, BUCKET = "dagster", "platform", "dagster-logs"
PASSWORD = "correct horse battery staple"
WAIT_SECONDS = 420


@dataclass(frozen=True)
class Deployment:
    home: Path
    variables: Mapping[str, str]
    """Of every process of Dagster's, the pods of runs included."""
    cluster: StandaloneServer
    aws: AwsServer

    @contextmanager
    def process(self, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """One of Dagster's programs, ended afterwards; its output is in a file beside the home."""
        log = self.home.parent / f"{command[0]}-{time.monotonic_ns()}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name(command[0])), *command[1:]],
                stdout=output,
                stderr=output,
                env=self.variables,
                cwd=ROOT,
            )
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    @contextmanager
    def webserver(self, *options: str) -> Iterator[str]:
        """Its address, once it answers."""
        port = free_port(0)
        command = ("dagster-webserver", "--host", "127.0.0.1", "--port", str(port), "--workspace", "workspace.yaml")
        with self.process(*command, *options) as process:
            address = f"http://127.0.0.1:{port}"

            def answers() -> bool:
                assert process.poll() is None, "the webserver ended"
                try:
                    with urllib.request.urlopen(f"{address}/server_info", timeout=5):
                        return True
                except OSError:
                    return False

            eventually(answers, "an answer of the webserver")
            yield address

    def jobs(self) -> list[dict[str, Any]]:
        """The Jobs of runs in the cluster."""
        done = self.cluster.kubectl(CLUSTER, "get", "jobs", "--namespace", NAMESPACE, "--output", "json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)["items"]
        return found


@contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    with ExitStack() as stack:
        port = _database(folder, stack)
        aws = AwsServer(folder / "aws").start()
        stack.callback(aws.end)
        aws.client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        cluster = StandaloneServer.start(folder / "kubernetes")
        stack.callback(cluster.end)
        cluster.control("PUT", "settings", {"host_processes": True, "pod_ready_seconds": 0.05})
        cluster.create_cluster(CLUSTER)

        sandbox = LocalSandbox(folder / "state")
        sandbox.ils("sandbox", "start")
        stack.callback(sandbox.ils, "sandbox", "stop")

        home = folder / "home"
        home.mkdir()
        configuration = adapted(yaml.safe_load(PRODUCTION.read_text()), cluster.kubeconfig(CLUSTER), home)
        (home / "dagster.yaml").write_text(yaml.safe_dump(configuration))
        shared = {
            "DAGSTER_HOME": str(home),
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(port),
            "DAGSTER_PG_USER": "dagster",
            "DAGSTER_PG_DB": "dagster",
            "PGSSLMODE": "disable",  # the wheel's PostgreSQL has no TLS
            "ILS_NAMESPACE": NAMESPACE,
            "ILS_LOGS_BUCKET": BUCKET,
            "ILS_ENVIRONMENTS_DIR": str(environments_directory().resolve()),
            "ILS_STATE_DIR": str(sandbox.directory),
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": aws.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "sandbox",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
        }
        _apply(cluster, _objects(shared, (home / "dagster.yaml").read_text()))
        path = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        yield Deployment(home, {**path, **shared, "DAGSTER_PG_PASSWORD": PASSWORD}, cluster, aws)


def adapted(production: dict[str, Any], kubeconfig: Path, home: Path) -> dict[str, Any]:
    """The file as it is, but for the way to the cluster, which is not the one that the processes run in, and for Dagster's
    home, which is a folder of this machine.
    """
    launcher = production["run_launcher"]["config"]
    launcher.update(load_incluster_config=False, kubeconfig_file=str(kubeconfig), job_image="ils-pipelines:1.0.0")
    [mounted] = [each for each in launcher["volume_mounts"] if each["name"] == "home"]
    mounted["mountPath"] = str(home)
    production["run_monitoring"]["poll_interval_seconds"] = 2
    production["compute_logs"]["config"]["upload_interval"] = 1
    return production


def _database(folder: Path, stack: ExitStack) -> int:
    """A PostgreSQL for Dagster alone; its port on loopback."""
    data = folder / "postgres"
    copy_tree(ensure_template(folder), data)
    server = PostgresServer(data, folder / "socket", folder / "postgres.log")
    port = free_port(0)
    access = folder / "pg_hba.conf"
    access.write_text("local all rdsadmin trust\nhost dagster dagster 127.0.0.1/32 scram-sha-256\n")
    server.start(folder / "wal", {"listen_addresses": "127.0.0.1", "port": str(port), "hba_file": str(access)})
    stack.callback(server.stop)
    psql = [*unprivileged(), str(program("psql")), "--host", str(folder / "socket"), "--port", str(port)]
    psql += ["--username", "rdsadmin"]
    create = [*psql, "--dbname", "postgres", "--command", "CREATE DATABASE dagster"]
    subprocess.run(create, check=True, capture_output=True)
    password = folder / "password"
    password.write_text(PASSWORD)
    login = [
        *psql,
        "--dbname",
        "dagster",
        f"--set=password_file={password}",
        "--file",
        str(PRODUCTION.parent / "database-login.sql"),
    ]
    for _ in range(2):  # it may be run again
        subprocess.run(login, check=True, capture_output=True)
    return port


def _objects(variables: Mapping[str, str], configuration: str) -> list[dict[str, Any]]:
    """What the runs' pods find in the namespace, beside what deploy/kubernetes/access.yaml has."""
    access = yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "access.yaml").read_text())
    namespaced = {"namespace": NAMESPACE}
    return [
        *access,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "dagster-instance", **namespaced},
            "data": {"dagster.yaml": configuration},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "dagster-environment", **namespaced},
            "data": dict(variables),
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "dagster-postgresql-secret", **namespaced},
            "stringData": {"postgresql-password": PASSWORD},
        },
    ]


def _apply(cluster: StandaloneServer, objects: list[dict[str, Any]]) -> None:
    done = cluster.kubectl(CLUSTER, "apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(objects))
    assert done.returncode == 0, done.stderr


def eventually(true: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + WAIT_SECONDS
    while not (found := true()):
        assert time.monotonic() < deadline, f"{what} did not come within {WAIT_SECONDS} s"
        time.sleep(0.2)
    return found


def ask(address: str, query: str, **variables: Any) -> Any:
    """The answer to a GraphQL request."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{address}/graphql", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as refused:
        raise AssertionError(refused.read().decode()) from refused
    assert "errors" not in answer, answer
    return answer["data"]
