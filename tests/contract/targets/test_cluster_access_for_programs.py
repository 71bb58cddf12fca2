"""kubectl reaches the cluster of an environment through the kubeconfig that `ils kubeconfig` writes."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from ils_pipelines.settings.loading import environments_directory
from ils_pipelines.settings.tiers import TargetKind
from tests.contract.targets.conftest import ACCOUNT, CLUSTER, Place

BIN = Path(sys.executable).parent


def run(program: str, *arguments: str, env: Mapping[str, str]) -> str:
    finished = subprocess.run(
        [str(BIN / program), *arguments], env=dict(env), text=True, capture_output=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.fixture
def variables(kind: TargetKind, logged_in: None, tmp_path: Path) -> dict[str, str]:
    """A shell with an environments folder in which dev lives in the target."""
    dev = yaml.safe_load((environments_directory() / "dev.yaml").read_text())
    dev["target"] = kind.value
    dev["aws"]["account_id"] = ACCOUNT
    dev["engine"] = {"backend": "file:///nowhere"}
    dev["load_balancer"]["zone"] = "example.com"
    folder = tmp_path / "environments"
    folder.mkdir()
    (folder / "dev.yaml").write_text(yaml.safe_dump(dev))
    return {**os.environ, "ILS_ENVIRONMENTS_DIR": str(folder)}


@pytest.fixture
def kubeconfig(variables: dict[str, str], tmp_path: Path) -> Path:
    file = tmp_path / "kubeconfig.yaml"
    assert run("ils", "kubeconfig", "dev", "--file", str(file), env=variables).strip() == str(file)
    return file


def test_kubectl_uses_it(kubeconfig: Path, variables: dict[str, str], tmp_path: Path) -> None:
    # From another folder, with no variable of ours: the file says all that is needed.
    shell = {key: value for key, value in variables.items() if not key.startswith("ILS_")}
    home = {"KUBECONFIG": str(kubeconfig), "KUBECACHEDIR": str(tmp_path / "cache")}
    nodes = json.loads(run("kubectl", "get", "nodes", "-o", "json", env={**shell, **home}))

    assert len(nodes["items"]) == 2


def test_pythons_client_uses_it_which_is_how_dagster_k8s_reaches_a_cluster(kubeconfig: Path, logged_in: None) -> None:
    from kubernetes.client import CoreV1Api
    from kubernetes.config import new_client_from_config

    with new_client_from_config(str(kubeconfig)) as client:
        assert len(CoreV1Api(client).list_node().items) == 2


def test_it_is_its_owners_alone_and_holds_no_token(kubeconfig: Path) -> None:
    assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
    assert "k8s-aws-v1." not in kubeconfig.read_text()
    assert yaml.safe_load(kubeconfig.read_text())["current-context"] == CLUSTER


def test_the_token_says_how_long_it_may_be_kept(variables: dict[str, str], place: Place) -> None:
    place.sandbox.forget_requests()
    printed = json.loads(run("ils", "eks-token", CLUSTER, "--environment", "dev", env=variables))

    assert (printed["kind"], printed["apiVersion"]) == ("ExecCredential", "client.authentication.k8s.io/v1")
    until = datetime.strptime(printed["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    left = (until - datetime.now(UTC)).total_seconds()
    assert 0 < left <= 14 * 60
    assert printed["status"]["token"].startswith("k8s-aws-v1.")
    assert place.sandbox.requests() == [], "signing asks AWS for nothing"


def test_without_an_environment_the_shells_credentials_and_region_sign(logged_in: None) -> None:
    printed = json.loads(run("ils", "eks-token", CLUSTER, env={**os.environ, "AWS_REGION": "eu-west-1"}))
    encoded = printed["status"]["token"].removeprefix("k8s-aws-v1.")

    assert b"AKIDEXAMPLE%2F" in base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    assert b"%2Feu-west-1%2Fsts%2F" in base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
