"""Likewise, of the application's release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ils_pipelines.engine.models import SECRET
from ils_pipelines.provisioning.layers import layer_work
from ils_pipelines.settings.layers import Layer
from tests.operations.watch.drift_cases import WRONG, Case
from tests.operations.watch.site import Change, Site, change

NAMESPACE = "ils-dev"


def _patched(kind: str, name: str, body: dict[str, Any]) -> Change:
    """By another manager, as with kubectl edit. Put back by deleting the object and releasing anew: what another manager
    set stays its own."""

    @change
    def patched(site: Site) -> Iterator[None]:
        api = _api(site, kind)
        getattr(api, f"patch_namespaced_{kind}")(name, NAMESPACE, body, field_manager="kubectl-edit")
        try:
            yield
        finally:
            getattr(api, f"delete_namespaced_{kind}")(name, NAMESPACE)
            layer_work(site.target, Layer.APP_RELEASE).up()

    return patched


def _without(kind: str, name: str) -> Change:
    @change
    def gone(site: Site) -> Iterator[None]:
        getattr(_api(site, kind), f"delete_namespaced_{kind}")(name, NAMESPACE)
        try:
            yield
        finally:
            layer_work(site.target, Layer.APP_RELEASE).up()

    return gone


def _api(site: Site, kind: str) -> Any:
    from kubernetes import client

    return client.AppsV1Api(site.kubernetes()) if kind == "deployment" else client.CoreV1Api(site.kubernetes())


CASES: tuple[Case, ...] = (
    Case(
        Layer.APP_RELEASE,
        "ils-dev/ils-config",
        "data.LOG_LEVEL",
        "debug",
        "trace",
        _patched("config_map", "ils-config", {"data": {"LOG_LEVEL": "trace"}}),
    ),
    Case(
        Layer.APP_RELEASE,
        "ils-dev/ils",
        "spec.replicas",
        3,
        1,
        _patched("deployment", "ils", {"spec": {"replicas": 1}}),
    ),
    Case(
        Layer.APP_RELEASE,
        "ils-dev/ils",
        "metadata.labels.owner",
        None,
        WRONG,
        _patched("service", "ils", {"metadata": {"labels": {"owner": WRONG}}}),
    ),
    Case(
        Layer.APP_RELEASE,
        "ils-dev/ils-secrets",
        "data.REDIS_AUTH_TOKEN",
        SECRET,
        SECRET,
        _patched("secret", "ils-secrets", {"stringData": {"REDIS_AUTH_TOKEN": "known-to-all"}}),
    ),
    Case(Layer.APP_RELEASE, "ils-dev/ils", "", None, None, _without("service", "ils")),
)
