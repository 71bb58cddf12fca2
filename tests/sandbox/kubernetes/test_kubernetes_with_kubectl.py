"""The real kubectl against the server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

from tests.sandbox.kubernetes.client import TestCluster
from tests.support.kubernetes_api import config_map, deployment


def manifest(*objects: dict[str, object]) -> str:
    return yaml.safe_dump_all(objects)


def test_apply_creates_then_configures_then_leaves_alone(cluster: TestCluster) -> None:
    web = deployment(replicas=1)

    assert cluster.kubectl("apply", "-f", "-", stdin=manifest(web)) == "deployment.apps/web created\n"
    assert cluster.kubectl("apply", "-f", "-", stdin=manifest(web)) == "deployment.apps/web unchanged\n"
    web["spec"]["replicas"] = 2
    assert cluster.kubectl("apply", "-f", "-", stdin=manifest(web)) == "deployment.apps/web configured\n"


def test_server_side_apply_and_its_conflicts(cluster: TestCluster) -> None:
    arguments = ("apply", "--server-side", "-f", "-")
    assert cluster.kubectl(*arguments, stdin=manifest(config_map(a="1"))) == "configmap/settings serverside-applied\n"

    other = [*arguments, "--field-manager=other"]
    refused = cluster.server.kubectl(cluster.name, *other, stdin=manifest(config_map(a="2")))

    assert refused.returncode == 1
    assert 'conflict with "kubectl": .data.a' in refused.stderr
    cluster.kubectl(*other, "--force-conflicts", stdin=manifest(config_map(a="2")))
    assert cluster.kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.a}") == "2"


def test_an_unknown_field_is_refused_by_strict_validation(cluster: TestCluster) -> None:
    web = deployment()
    web["spec"]["replica"] = 2

    refused = cluster.server.kubectl(cluster.name, "apply", "-f", "-", stdin=manifest(web))

    assert refused.returncode == 1
    assert 'unknown field "spec.replica"' in refused.stderr


def test_diff_tells_a_difference_by_its_exit_code(cluster: TestCluster) -> None:
    web = deployment(replicas=1)
    cluster.kubectl("apply", "-f", "-", stdin=manifest(web))

    assert cluster.server.kubectl(cluster.name, "diff", "-f", "-", stdin=manifest(web)).returncode == 0
    web["spec"]["replicas"] = 3
    different = cluster.server.kubectl(cluster.name, "diff", "-f", "-", stdin=manifest(web))

    assert different.returncode == 1
    assert "-  replicas: 1\n+  replicas: 3" in different.stdout


def test_get_prints_the_columns_of_each_kind(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(deployment(replicas=2)))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=15s")

    shown = cluster.kubectl("get", "deployment,pods", "--no-headers")

    rows = [line.split() for line in shown.splitlines() if line]
    assert rows[0][:4] == ["deployment.apps/web", "2/2", "2", "2"]
    assert [row[1:4] for row in rows[1:]] == [["1/1", "Running", "0"]] * 2


def test_get_in_other_forms(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(config_map(a="1")))

    assert json.loads(cluster.kubectl("get", "cm", "settings", "-o", "json"))["data"] == {"a": "1"}
    assert yaml.safe_load(cluster.kubectl("get", "cm/settings", "-o", "yaml"))["kind"] == "ConfigMap"
    assert cluster.kubectl("get", "cm", "settings", "-o", "name") == "configmap/settings\n"
    assert "settings" in cluster.kubectl("get", "configmaps", "-A", "-o", "wide")
    listed = json.loads(cluster.kubectl("get", "cm", "-o", "json"))
    assert {item["kind"] for item in listed["items"]} == {"ConfigMap"}


def test_rollout_restart_history_and_undo(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(deployment(replicas=1)))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=15s")
    cluster.kubectl("set", "image", "deployment/web", "web=app:2")

    done = cluster.kubectl("rollout", "status", "deployment/web", "--timeout=15s")

    assert 'deployment "web" successfully rolled out' in done
    assert [line.split()[0] for line in cluster.kubectl("rollout", "history", "deployment/web").splitlines()[2:4]] == [
        "1",
        "2",
    ]
    cluster.kubectl("rollout", "undo", "deployment/web")
    cluster.kubectl("rollout", "restart", "deployment/web")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=15s")
    path = "jsonpath={.spec.template.spec.containers[0].image}"
    assert cluster.kubectl("get", "deployment", "web", "-o", path) == "app:1"


def test_rollout_status_reports_an_exceeded_deadline(cluster: TestCluster) -> None:
    web = deployment(image="app:does-not-exist", progressDeadlineSeconds=1)
    cluster.kubectl("apply", "-f", "-", stdin=manifest(web))

    failed = cluster.server.kubectl(cluster.name, "rollout", "status", "deployment/web", "--timeout=15s")

    assert failed.returncode == 1
    assert "exceeded its progress deadline" in failed.stderr


def test_scale_wait_and_delete(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(deployment(replicas=1)))
    assert cluster.kubectl("scale", "deployment/web", "--replicas=3") == "deployment.apps/web scaled\n"
    cluster.kubectl("wait", "--for=jsonpath={.status.availableReplicas}=3", "deployment/web", "--timeout=15s")

    deleted = cluster.kubectl("delete", "deployment", "web", "--cascade=foreground")

    assert deleted == 'deployment.apps "web" deleted from default namespace\n'
    assert cluster.kubectl("get", "all", "-o", "name") == "service/kubernetes\n"


def test_logs_of_a_running_and_of_a_waiting_container(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(deployment(replicas=1)))
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=15s")

    assert cluster.kubectl("logs", "deployment/web", "--tail=1") == "listening\n"
    assert "app:1: started" in cluster.kubectl("logs", "-l", "app=web", "--timestamps")


def test_logs_are_followed_until_the_pod_goes(cluster: TestCluster) -> None:
    container = {"name": "a", "image": "b:1"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    cluster.kubectl("apply", "-f", "-", stdin=manifest(pod))
    cluster.kubectl("wait", "--for=condition=Ready", "pod/p", "--timeout=15s")
    kubeconfig = str(cluster.server.kubeconfig(cluster.name))
    kubectl = str(Path(sys.executable).with_name("kubectl"))

    with subprocess.Popen(
        [kubectl, "--kubeconfig", kubeconfig, "logs", "-f", "p"], stdout=subprocess.PIPE
    ) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"b:1: started\n"
        assert following.poll() is None
        cluster.kubectl("delete", "pod", "p")
        assert following.wait(15) == 0


def test_describe_and_events_tell_what_happened(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(deployment(replicas=1, image="app:does-not-exist")))
    cluster.eventually(lambda: "ImagePullBackOff" in cluster.kubectl("get", "pods"), "a pod that cannot be pulled")

    assert "ImagePullBackOff" in cluster.kubectl("describe", "pods")
    assert "ScalingReplicaSet" in cluster.kubectl("get", "events")


def test_api_resources_version_and_explain(cluster: TestCluster) -> None:
    resources = cluster.kubectl("api-resources", "-o", "name").split()

    assert {"pods", "deployments.apps", "horizontalpodautoscalers.autoscaling", "leases.coordination.k8s.io"} <= set(
        resources
    )
    assert json.loads(cluster.kubectl("version", "-o", "json"))["serverVersion"]["minor"] == "35"
    assert "Number of desired pods" in cluster.kubectl("explain", "deployment.spec.replicas")


def test_labels_annotations_and_patches(cluster: TestCluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=manifest(config_map(a="1")))

    cluster.kubectl("label", "configmap", "settings", "tier=web")
    cluster.kubectl("annotate", "configmap", "settings", "note=x")
    cluster.kubectl("patch", "configmap", "settings", "--type=json", '-p=[{"op":"add","path":"/data/b","value":"2"}]')

    found = json.loads(cluster.kubectl("get", "configmap", "-l", "tier=web", "-o", "json"))["items"][0]
    assert (found["metadata"]["annotations"]["note"], found["data"]["b"]) == ("x", "2")


def test_all_kinds_of_a_release_can_be_applied(cluster: TestCluster) -> None:
    meta = {"name": "ils"}
    pod_selector = {"matchLabels": {"app": "ils"}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ils"}
    bodies: dict[tuple[str, str], dict[str, object]] = {
        ("v1", "ResourceQuota"): {"spec": {"hard": {"pods": "20"}}},
        ("v1", "LimitRange"): {"spec": {"limits": [{"type": "Container", "default": {"cpu": "500m"}}]}},
        ("rbac.authorization.k8s.io/v1", "Role"): {
            "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
        },
        ("rbac.authorization.k8s.io/v1", "RoleBinding"): {
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": "ils"}],
        },
        ("autoscaling/v2", "HorizontalPodAutoscaler"): {
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "ils"},
                "minReplicas": 3,
                "maxReplicas": 10,
            }
        },
        ("policy/v1", "PodDisruptionBudget"): {"spec": {"minAvailable": 1, "selector": pod_selector}},
        ("networking.k8s.io/v1", "NetworkPolicy"): {"spec": {"podSelector": pod_selector, "policyTypes": ["Ingress"]}},
        ("coordination.k8s.io/v1", "Lease"): {"spec": {"holderIdentity": "somebody"}},
        ("batch/v1", "Job"): {
            "spec": {
                "template": {
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{"name": "a", "image": "b:1", "command": ["true"]}],
                    }
                }
            }
        },
    }
    objects = [{"apiVersion": a, "kind": k, "metadata": meta, **body} for (a, k), body in bodies.items()]

    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifest(*objects))

    again = cluster.kubectl("diff", "--server-side", "-f", "-", stdin=manifest(*objects))
    assert again == ""
    for _, kind in bodies:
        assert "ils" in cluster.kubectl("get", kind, "--no-headers")
