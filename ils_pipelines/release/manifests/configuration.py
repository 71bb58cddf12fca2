"""What the application is told: a ConfigMap that anybody may read who may look, and a Secret fed from Secrets Manager."""

from __future__ import annotations

import base64

from ils_pipelines.release.manifests.parts import manifest
from ils_pipelines.release.names import CONFIG_NAME, SECRET_NAME
from ils_pipelines.release.objects import CONFIG_MAP, SECRET, Manifest
from ils_pipelines.release.settings import Release


def config_map(release: Release, name: str = CONFIG_NAME) -> Manifest:
    return manifest(release, CONFIG_MAP, name, {"data": dict(release.config)})


def secret(release: Release, name: str = SECRET_NAME) -> Manifest:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in release.secrets.items()}
    return manifest(release, SECRET, name, {"type": "Opaque", "data": data})
