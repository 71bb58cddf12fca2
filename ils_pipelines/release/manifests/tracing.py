"""Distributed tracing: where the application sends its spans, and the ADOT collector beside it where one is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ils_pipelines.settings.app import App
from ils_pipelines.settings.environment import Environment
from ils_pipelines.settings.monitoring import traced_service
from ils_pipelines.settings.workload import TracingMode

OTLP_HTTP_PORT = 4318
HEALTH_PORT = 13133
SIDECAR_NAME = "adot-collector"
SIDECAR_CONFIG = Path(__file__).parents[1] / "export" / "chart" / "collector.yaml"
"""The same file for the sidecar here and in the Helm chart."""


def tracing_variables(environment: Environment) -> dict[str, str]:
    """What OpenTelemetry's SDKs read from their environment; nothing when tracing is off."""
    tracing = environment.app.tracing
    hosts = {
        TracingMode.COLLECTOR: f"{tracing.collector_service}.{tracing.collector_namespace}.svc.cluster.local",
        TracingMode.SIDECAR: "127.0.0.1",
    }
    if tracing.mode not in hosts:
        return {}
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{hosts[tracing.mode]}:{OTLP_HTTP_PORT}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_PROPAGATORS": "xray,tracecontext",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={environment.name}",
        "OTEL_SERVICE_NAME": traced_service(environment.name),
        "OTEL_TRACES_EXPORTER": "otlp",
        # A request that another service traces already is traced here too; of the others, so many.
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": str(environment.monitoring.trace_percent / 100),
    }


def sidecar(app: App) -> list[dict[str, Any]]:
    """The collector's container; none unless asked for."""
    tracing = app.tracing
    if tracing.mode is not TracingMode.SIDECAR:
        return []
    probe = {"httpGet": {"path": "/", "port": "otel-health"}, "periodSeconds": 10, "timeoutSeconds": 5}
    return [
        {
            "name": SIDECAR_NAME,
            "image": tracing.sidecar_image,
            "imagePullPolicy": "IfNotPresent",
            "env": [{"name": "AOT_CONFIG_CONTENT", "value": SIDECAR_CONFIG.read_text(encoding="utf-8")}],
            "ports": [{"name": "otel-health", "containerPort": HEALTH_PORT, "protocol": "TCP"}],
            "resources": {
                "requests": {"cpu": "50m", "memory": "64Mi"},
                "limits": {"cpu": "100m", "memory": "128Mi"},
            },
            "livenessProbe": {**probe, "initialDelaySeconds": 10},
            "readinessProbe": {**probe, "initialDelaySeconds": 5},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ]
