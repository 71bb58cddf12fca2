"""Both ways to a login in front of Dagster are objects that Kubernetes takes, and lead where they should and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ils_pipelines.operations.posture.evaluators import pods
from tests.deploy.chart import ROOT, VALUES
from tests.deploy.rendering import Rendering

FOLDER = ROOT / "deploy" / "kubernetes"
PORT = 3000
CONTROLS = (
    *(pods.probes, pods.resources, pods.image_tag, pods.privilege_escalation, pods.read_only_root, pods.non_root),
    *(pods.capabilities, pods.seccomp, pods.service_account_token, pods.not_in_default),
)


def read(name: str) -> Rendering:
    documents = yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8"))
    return Rendering(tuple(each for document in documents for each in document.get("items", [document])))


@pytest.fixture(scope="module")
def proxy() -> Rendering:
    return read("oauth2-proxy.yaml")


@pytest.fixture(scope="module")
def load_balancer() -> Rendering:
    return read("alb-oidc.yaml")


@pytest.mark.parametrize("name", ["access.yaml", "step-jobs.yaml", "oauth2-proxy.yaml", "alb-oidc.yaml"])
def test_every_object_is_one_that_kubernetes_takes(name: str) -> None:
    for each in read(name).found:
        kubernetes_validate.validate(each, "1.35.0", strict=True)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda each: each.__name__)
def test_a_posture_control_of_ours_holds_for_the_proxies(proxy: Rendering, control: Any) -> None:
    assert [each for each in control(proxy) if not each.holds] == []


def arguments(proxy: Rendering, name: str) -> dict[str, str]:
    [container] = proxy.of("Deployment")[name]["spec"]["template"]["spec"]["containers"]
    return dict(each.removeprefix("--").split("=", 1) for each in container["args"])


def test_one_proxy_leads_to_who_may_apply_and_the_other_to_who_may_look(proxy: Rendering) -> None:
    apply, look = arguments(proxy, "login-apply"), arguments(proxy, "login-look")

    assert apply["upstream"] == f"http://dagster-webserver:{PORT}"
    assert look["upstream"] == f"http://dagster-webserver-read-only:{PORT}"
    assert yaml.safe_load(VALUES.read_text())["dagsterWebserver"]["service"]["port"] == PORT
    # All else is the same, but for who gets in, where, and the name of the cookie.
    assert {name for name in apply if apply[name] != look[name]} == {
        *("upstream", "allowed-group", "redirect-url", "cookie-name")
    }


def test_a_name_leads_to_its_own_proxy_which_is_let_in(proxy: Rendering) -> None:
    for rule in proxy.of("Ingress")["dagster"]["spec"]["rules"]:
        [path] = rule["http"]["paths"]
        name = path["backend"]["service"]["name"]
        pod = proxy.of("Deployment")[name]["spec"]["template"]["metadata"]["labels"]
        assert proxy.of("Service")[name]["spec"]["selector"].items() <= pod.items()
        assert arguments(proxy, name)["redirect-url"] == f"https://{rule['host']}/oauth2/callback"
        policy = read("access.yaml").of("NetworkPolicy")["dagster-behind-the-proxy"]
        [source] = policy["spec"]["ingress"][0]["from"]
        assert source["podSelector"]["matchLabels"].items() <= pod.items()


def test_no_secret_stands_in_a_file(proxy: Rendering, load_balancer: Rendering) -> None:
    assert proxy.of("Secret") == load_balancer.of("Secret") == {}
    for name in ("login-apply", "login-look"):
        assert not {"client-id", "client-secret", "cookie-secret"} & arguments(proxy, name).keys()


def test_the_load_balancer_asks_before_it_leads_to_either_webserver(load_balancer: Rendering) -> None:
    secrets = load_balancer.of("Role")["alb-reads-logins"]["rules"][0]["resourceNames"]
    led = {}
    for name, ingress in load_balancer.of("Ingress").items():
        said = ingress["metadata"]["annotations"]
        assert said["alb.ingress.kubernetes.io/auth-type"] == "oidc"
        assert said["alb.ingress.kubernetes.io/auth-on-unauthenticated-request"] == "authenticate"
        provider = json.loads(said["alb.ingress.kubernetes.io/auth-idp-oidc"])
        assert provider["secretName"] in secrets
        [rule] = ingress["spec"]["rules"]
        led[name] = rule["http"]["paths"][0]["backend"]["service"]["name"], provider["secretName"]

    assert led == {
        "dagster-apply": ("dagster-webserver", "login-apply"),
        "dagster-look": ("dagster-webserver-read-only", "login-look"),
    }
