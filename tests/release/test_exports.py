"""What is exported is what is applied: as plain YAML, and rendered by the real helm from the chart and its values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ils_pipelines.release.export.helm import values_file, write_chart
from ils_pipelines.release.export.node_autoscaler import autoscaler_values
from ils_pipelines.release.export.plain import as_yaml, plain_yaml
from ils_pipelines.release.manifests import manifests
from ils_pipelines.release.names import APPLIED
from ils_pipelines.release.settings import CacheEndpoint, DatabaseEndpoint, Release, TargetGroup, release_of
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.loading import load_environment
from tests.release.site import SECRETS
from tests.support import helm

GROUP = TargetGroup("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/ils-dev-app/0123", "vpc-1")
COLLECTOR = f"public.ecr.aws/aws-observability/aws-otel-collector:v0.45.0@sha256:{'c' * 64}"
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "one pod": {"replicas": 1},
    "autoscaled": {"autoscaling": {"enabled": True, "min_replicas": 2, "max_replicas": 7}},
    "traced by a collector": {"tracing": {"mode": "collector"}},
    "traced by a sidecar": {"tracing": {"mode": "sidecar", "sidecar_image": COLLECTOR}},
    "weighed by the load balancer": {"canary": {"enabled": True, "weigher": "load_balancer"}},
    "with a role": {"service_account_role_arn": "arn:aws:iam::123456789012:role/ils-app"},
    "scraped": {"scraping_namespaces": ["monitoring", "observability"]},
    "on another port": {"port": 8080, "image": "registry.example.com:5000/ils/app:2.0.0"},
    "odd variables": {
        "extra_env": {
            "YES": "yes",
            "NUMBER": "007",
            "TEXT": 'a: "b" {c}\n# d',
            "EMPTY": "",
            "Y": "n",
            "FLOAT": "1e3",
            "UMLAUT": "ä&<",
        }
    },
}


def release(environment: Environment, secrets: Mapping[str, str] = SECRETS) -> Release:
    database, cache = DatabaseEndpoint("db", 5432, "ilsdb"), CacheEndpoint("cache", 6379)
    return release_of(environment, secrets, database, cache, target_group=GROUP)


def variant(app: Mapping[str, Any]) -> Release:
    return release(Environment.model_validate({"name": "dev", "app": dict(app)}))


def applied(of: Release) -> dict[tuple[str, str], Any]:
    """Objects by kind and name, without the note of how they were applied."""
    found = {}
    for manifest in manifests(of):
        metadata = dict(manifest.body["metadata"])
        annotations = {key: value for key, value in metadata.pop("annotations").items() if key != APPLIED}
        if annotations:
            metadata["annotations"] = annotations
        found[manifest.ref.kind, manifest.ref.name] = {**manifest.body, "metadata": metadata}
    return found


def read(text: str) -> dict[tuple[str, str], Any]:
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return helm.helm(tmp_path_factory.getbasetemp().parent)


def by_helm(program: Path, folder: Path, of: Release) -> dict[tuple[str, str], Any]:
    write_chart(of, folder)
    secrets = folder / "secrets.yaml"
    secrets.write_text(as_yaml({"secrets": dict(of.secrets)}))
    return read(helm.rendered(program, folder, folder / f"values-{of.environment}.yaml", secrets))


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_the_chart_renders_to_what_is_applied_in_every_shipped_environment(
    name: str, program: Path, tmp_path: Path
) -> None:
    of = release(load_environment(name))

    assert by_helm(program, tmp_path, of) == applied(of)


@pytest.mark.parametrize("app", VARIANTS.values(), ids=VARIANTS)
def test_the_chart_renders_to_what_is_applied_whatever_is_configured(
    app: Mapping[str, Any], program: Path, tmp_path: Path
) -> None:
    of = variant(app)

    assert by_helm(program, tmp_path, of) == applied(of)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # every example starts a process: none to make it shorter
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    values=st.dictionaries(
        st.from_regex(r"[A-Z][A-Z0-9_]{0,20}", fullmatch=True),
        st.text(st.characters(codec="utf-8", exclude_characters="\x7f\x85\ufeff", min_codepoint=32), max_size=30),
        max_size=5,
    )
)
def test_the_chart_renders_to_what_is_applied_whatever_the_secrets_are(
    values: dict[str, str], program: Path, tmp_path: Path
) -> None:
    of = release(Environment(name="dev"), {**SECRETS, **values})

    assert by_helm(program, tmp_path, of) == applied(of)


def test_one_chart_holds_the_values_of_several_environments(tmp_path: Path) -> None:
    for name in ("dev", "production"):
        write_chart(release(load_environment(name)), tmp_path)

    assert (tmp_path / "values-dev.yaml").is_file()
    assert (tmp_path / "values-production.yaml").is_file()


def test_the_plain_export_is_what_is_applied_but_for_the_secret() -> None:
    of = release(load_environment("production"))
    expected = applied(of)
    del expected["Secret", "ils-secrets"]

    assert read(plain_yaml(of, manifests(of))) == expected


def test_values_of_secrets_are_in_no_export() -> None:
    of = release(load_environment("production"))

    for text in (values_file(of), plain_yaml(of, manifests(of))):
        assert "DATABASE_URL" in text
        for value in SECRETS.values():
            assert value not in text


def test_the_cluster_autoscaler_gets_what_the_file_says() -> None:
    autoscaler = {"enabled": True, "expander": "price", "idle_percent": 40, "idle_minutes": 15}
    environment = Environment.model_validate({"name": "dev", "cluster": {"autoscaler": autoscaler}})

    values = yaml.safe_load(autoscaler_values(environment))

    assert values["autoDiscovery"] == {"clusterName": "ils-dev"}
    assert values["rbac"]["serviceAccount"]["name"] == "cluster-autoscaler"
    wanted = {"expander": "price", "scale-down-utilization-threshold": 0.4, "scale-down-unneeded-time": "15m"}
    assert wanted.items() <= values["extraArgs"].items()
