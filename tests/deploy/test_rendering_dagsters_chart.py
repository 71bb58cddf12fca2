"""What `helm upgrade --install` would put into the cluster: Dagster's own chart with our values, by the real helm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._core.instance.ref import InstanceRef

from ils_pipelines.operations.posture.evaluators import pods, rbac
from ils_pipelines.operations.posture.models import Observation
from tests.deploy.chart import ROOT, VALUES, chart, objects
from tests.deploy.rendering import Rendering
from tests.support import helm

NAMESPACE = "dagster"
SERVERS = {"dagster-webserver", "dagster-webserver-read-only", "dagster-daemon", "user-deployments"}
CONTROLS = (
    pods.probes,
    pods.resources,
    pods.image_tag,
    pods.privilege_escalation,
    pods.read_only_root,
    pods.non_root,
    pods.capabilities,
    pods.seccomp,
    pods.not_in_default,
    pods.network_policy,
    rbac.wildcards,
)
"""The posture controls of pods, but for two: an image's digest is named by who built it, and the servers and runs talk to
Kubernetes, so they have a token.
"""


def _access() -> list[dict[str, Any]]:
    return [*yaml.safe_load_all((ROOT / "deploy" / "kubernetes" / "access.yaml").read_text())]


@pytest.fixture(scope="module")
def rendering(tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    folder = tmp_path_factory.mktemp("chart")
    program = helm.helm(tmp_path_factory.getbasetemp().parent)
    text = helm.rendered(program, chart(folder), VALUES, release="dagster", namespace=NAMESPACE)
    found = objects(text)
    for each in found:
        each["metadata"].setdefault("namespace", NAMESPACE)  # as `helm install` does
    return Rendering(tuple(found))


@pytest.fixture(scope="module")
def instance(rendering: Rendering) -> dict[str, Any]:
    """The instance that the chart writes."""
    found: dict[str, Any] = yaml.safe_load(rendering.of("ConfigMap")["dagster-instance"]["data"]["dagster.yaml"])
    return found


def containers(rendering: Rendering) -> Iterator[dict[str, Any]]:
    for each in rendering.of("Deployment").values():
        spec = each["spec"]["template"]["spec"]
        yield from (*spec["containers"], *spec.get("initContainers", ()))


def test_every_object_is_one_that_kubernetes_takes(rendering: Rendering) -> None:
    import kubernetes_validate

    for each in rendering.found:
        # Kubernetes takes a null for a field that is not there; its published schemas do not.
        kubernetes_validate.validate(_without_nulls(each), "1.35.0", strict=True)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def test_there_are_two_webservers_a_daemon_and_a_code_server(rendering: Rendering) -> None:
    deployments = rendering.of("Deployment").values()

    assert {each["metadata"]["labels"]["component"] for each in deployments} == SERVERS
    assert {each["spec"]["replicas"] for each in deployments} == {1}
    assert rendering.of("StatefulSet") == {}  # no database and no queue of the chart's own


def test_the_twin_reads_only_and_the_other_does_not(rendering: Rendering) -> None:
    commands = {
        name: " ".join(each["spec"]["template"]["spec"]["containers"][0].get("command", ()))
        for name, each in rendering.of("Deployment").items()
    }

    assert commands["dagster-webserver-read-only"].endswith("--read-only")
    assert "--read-only" not in commands["dagster-webserver"]


def test_who_is_let_in_and_out_is_what_the_policy_names(rendering: Rendering) -> None:
    """The labels of the chart's pods and services are those that deploy/kubernetes and the guide count on."""
    policy = Rendering(tuple(_access())).of("NetworkPolicy")["dagster-behind-the-proxy"]
    [selected] = policy["spec"]["podSelector"]["matchExpressions"]
    services = rendering.of("Service")

    for name in ("dagster-webserver", "dagster-webserver-read-only"):
        [port] = services[name]["spec"]["ports"]
        labels = rendering.of("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert labels[selected["key"]] in selected["values"]
        assert services[name]["spec"]["selector"].items() <= labels.items()
        assert f"--upstream=http://{name}:{port['port']}" in (ROOT / "deploy/kubernetes/oauth2-proxy.yaml").read_text()
    assert {each["spec"]["type"] for each in services.values()} == {"ClusterIP"}


def test_nothing_reaches_the_code_server_but_the_servers_that_ask_it(rendering: Rendering) -> None:
    spec = Rendering(tuple(_access())).of("NetworkPolicy")["dagster-code-server"]["spec"]
    [rule] = spec["ingress"]
    [source] = rule["from"]
    [who] = source["podSelector"]["matchExpressions"]
    pods = {name: each["spec"]["template"] for name, each in rendering.of("Deployment").items()}
    [code_server] = [
        each
        for each in pods.values()
        if spec["podSelector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    asking = {each["metadata"]["labels"]["component"] for each in pods.values()} - {"user-deployments"}

    assert code_server["metadata"]["labels"]["component"] == "user-deployments"
    assert asking == set(who["values"])
    [service] = [
        each["spec"]
        for each in rendering.of("Service").values()
        if each["spec"]["selector"].items() <= code_server["metadata"]["labels"].items()
    ]
    [container] = code_server["spec"]["containers"]
    [port] = rule["ports"]
    assert [port["port"]] == [each["port"] for each in service["ports"]]
    assert f"-p {port['port']}" in " ".join(container["args"])


def test_servers_are_who_access_yaml_makes_and_may_do_no_more(rendering: Rendering) -> None:
    made = {each["metadata"]["name"] for each in _access() if each["kind"] == "ServiceAccount"}
    accounts = {
        each["metadata"]["labels"]["component"]: each["spec"]["template"]["spec"]["serviceAccountName"]
        for each in rendering.of("Deployment").values()
    }

    assert accounts == {**dict.fromkeys(SERVERS, "dagster"), "user-deployments": "dagster-code"}
    assert {*accounts.values()} <= made
    assert [kind for kind in ("ServiceAccount", "Role", "RoleBinding", "ClusterRole") if rendering.of(kind)] == []


def test_no_secret_is_in_what_is_rendered(rendering: Rendering, instance: dict[str, Any]) -> None:
    assert rendering.of("Secret") == {}
    assert instance["run_storage"]["config"]["postgres_db"]["password"] == {"env": "DAGSTER_PG_PASSWORD"}
    for container in containers(rendering):
        for variable in container.get("env", ()):
            assert "valueFrom" in variable or "PASSWORD" not in variable["name"]


def test_the_instance_is_one_that_dagster_takes(
    instance: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "not a real one")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance))

    launcher = InstanceRef.from_dir(str(tmp_path)).run_launcher_data

    assert launcher is not None
    assert launcher.class_name == "K8sRunLauncher"


def test_the_instance_is_that_of_deploy_dagster_yaml(instance: dict[str, Any]) -> None:
    wanted = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    limits = {key: instance["run_coordinator"]["config"][key] for key in wanted["concurrency"]["runs"]}

    assert limits == wanted["concurrency"]["runs"]
    same = ("run_monitoring", "retention", "schedules", "sensors", "telemetry", "nux")
    assert {name: instance[name] for name in same} == {name: wanted[name] for name in same}
    assert "run_retries" not in instance  # which is off by default
    assert wanted["run_retries"]["enabled"] is False
    logs = {**instance["compute_logs"]["config"], "bucket": wanted["compute_logs"]["config"]["bucket"]}
    assert logs == {**wanted["compute_logs"]["config"], "verify": True}
    for storage in ("run_storage", "event_log_storage", "schedule_storage"):
        database = instance[storage]["config"]["postgres_db"]
        assert database["scheme"] == wanted["storage"]["postgres"]["postgres_db"]["scheme"]


def test_a_run_is_the_job_that_deploy_dagster_yaml_makes(
    instance: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = yaml.safe_load((ROOT / "deploy" / "dagster.yaml").read_text())
    monkeypatch.setenv("ILS_NAMESPACE", NAMESPACE)
    monkeypatch.setenv("DAGSTER_HOME", "/opt/dagster/dagster_home")

    made = job_of_a_run(instance["run_launcher"]["config"], tmp_path)
    assert made == job_of_a_run(wanted["run_launcher"]["config"], tmp_path)
    assert made["spec"]["template"]["spec"]["serviceAccountName"] == "dagster-run"
    assert made["spec"]["backoffLimit"] == 0
    assert [found(made, control) for control in CONTROLS if control is not pods.network_policy] == [[]] * 10


def job_of_a_run(config: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The Job that the launcher of this configuration starts for a run."""
    from dagster._config import process_config
    from dagster._serdes import ConfigurableClassData
    from dagster_k8s import K8sRunLauncher
    from dagster_k8s.job import construct_dagster_k8s_job
    from kubernetes.client import ApiClient

    (folder / "kubeconfig").write_text(_KUBECONFIG)
    reached = {**config, "load_incluster_config": False, "kubeconfig_file": str(folder / "kubeconfig")}
    processed = process_config(K8sRunLauncher.config_type(), reached)
    assert processed.success, processed.errors
    launcher = K8sRunLauncher.from_config_value(
        ConfigurableClassData("dagster_k8s", "K8sRunLauncher", ""), processed.value
    )
    context = launcher.get_container_context_for_run(DagsterRun(job_name="drift_scan"))
    job = construct_dagster_k8s_job(
        job_config=context.get_k8s_job_config("registry.example.com/ils-pipelines:1.0.0", launcher),
        args=["dagster", "api", "execute_run"],
        job_name="dagster-run-1",
        pod_name="dagster-run-1",
        component="run_worker",
        user_defined_k8s_config=context.run_k8s_config,
        env_vars=[],
    )
    made: dict[str, Any] = ApiClient().sanitize_for_serialization(job)
    made["metadata"]["namespace"] = context.namespace
    return made


_KUBECONFIG = yaml.safe_dump(
    {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "here", "user": {}}],
    }
)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda each: each.__name__)
def test_a_posture_control_of_ours_holds(rendering: Rendering, control: Any) -> None:
    everything = Rendering((*rendering.found, *_access()))

    assert found(everything, control) == []


def found(of: Rendering | dict[str, Any], control: Any) -> list[Observation]:
    """What does not hold."""
    live = of if isinstance(of, Rendering) else Rendering((of,))
    return [each for each in control(live) if not each.holds]
