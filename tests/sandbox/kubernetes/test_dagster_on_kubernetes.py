"""dagster-k8s against the sandbox's cluster: jobs and pods whose commands run as processes of this machine."""

# Without postponed annotations: Dagster reads those of an op's context when the op is defined.
import sys
from collections.abc import Iterator

import pytest
from dagster import (
    AssetExecutionContext,
    DagsterInstance,
    MaterializeResult,
    OpExecutionContext,
    asset,
    job,
    materialize,
    op,
)
from dagster_k8s import PipesK8sClient, execute_k8s_job
from kubernetes.client import Configuration

from ils_sandbox.kubernetes.standalone import StandaloneServer
from tests.sandbox.kubernetes.client import PODS, TestCluster

pytestmark = pytest.mark.slow

PIPES = """
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    pipes.log.info("counting in " + pipes.asset_key)
    pipes.report_asset_materialization(metadata={"rows": 42}, data_version="v7")
"""


@pytest.fixture
def allowed(cluster: TestCluster, server: StandaloneServer) -> Iterator[TestCluster]:
    """A cluster that runs commands. dagster-k8s makes it the default of the whole process, which is undone."""
    server.control("PUT", "settings", {"host_processes": True})
    yield cluster
    server.control("PUT", "settings", {"host_processes": False})
    Configuration.set_default(None)


def test_a_pipes_process_in_a_pod_reports_its_materialization(allowed: TestCluster) -> None:
    kubeconfig = str(allowed.server.kubeconfig(allowed.name))

    @asset
    def rows(context: AssetExecutionContext) -> MaterializeResult[None]:
        client = PipesK8sClient(kubeconfig_file=kubeconfig, kube_context=allowed.name, poll_interval=0.1)
        spec = {"containers": [{"name": "work", "image": "work:1", "command": [sys.executable, "-c", PIPES]}]}
        return client.run(context=context, namespace="default", base_pod_spec=spec).get_materialize_result()

    with DagsterInstance.ephemeral() as instance:
        result = materialize([rows], instance=instance)
        (event,) = result.asset_materializations_for_node("rows")

    assert event.metadata["rows"].value == 42
    assert event.tags is not None
    assert event.tags["dagster/data_version"] == "v7"
    assert allowed.ok("GET", PODS)["items"] == []


def test_a_pipes_process_that_fails_fails_its_step(allowed: TestCluster) -> None:
    kubeconfig = str(allowed.server.kubeconfig(allowed.name))

    @asset
    def rows(context: AssetExecutionContext) -> MaterializeResult[None]:
        client = PipesK8sClient(kubeconfig_file=kubeconfig, kube_context=allowed.name, poll_interval=0.1)
        spec = {
            "containers": [
                {"name": "work", "image": "work:1", "command": [sys.executable, "-c", "raise SystemExit(3)"]}
            ]
        }
        return client.run(context=context, namespace="default", base_pod_spec=spec).get_materialize_result()

    with DagsterInstance.ephemeral() as instance:
        assert not materialize([rows], instance=instance, raise_on_error=False).success


@pytest.mark.parametrize(("program", "success"), [("print('done')", True), ("raise SystemExit(3)", False)])
def test_a_job_of_an_op_succeeds_with_its_command(allowed: TestCluster, program: str, success: bool) -> None:
    kubeconfig = str(allowed.server.kubeconfig(allowed.name))

    @op
    def work(context: OpExecutionContext) -> None:
        execute_k8s_job(
            context,
            image="work:1",
            command=[sys.executable, "-c", program],
            namespace="default",
            load_incluster_config=False,
            kubeconfig_file=kubeconfig,
            env_vars=["PLAIN=a"],
            timeout=60,
        )

    @job
    def working() -> None:
        work()

    with DagsterInstance.ephemeral() as instance:
        assert working.execute_in_process(instance=instance, raise_on_error=False).success is success
