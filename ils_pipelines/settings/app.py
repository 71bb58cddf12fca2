"""The application as an environment runs it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import DnsLabel, Section, text

_TAG = r":\w[\w.-]{0,127}"
_DIGEST = r"@sha256:[0-9a-f]{64}"


class LogLevel(StrEnum):
    """What the application writes to its log."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


class NodeEnv(StrEnum):
    """What the application's framework optimises for."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class AuthProvider(StrEnum):
    """Who signs users in."""

    COGNITO = "cognito"
    AUTH0 = "auth0"


EnvName = Annotated[
    str,
    text(
        r"[A-Za-z_][A-Za-z0-9_]*",
        "is not a name of an environment variable",
        "Use letters, digits and '_', not starting with a digit.",
    ),
]


class App(Section):
    """What is released into the cluster."""

    image: Annotated[
        str,
        text(
            rf"[^\s:@]+(:\d+)?(/[^\s:@]+)*({_TAG}|{_DIGEST}|{_TAG}{_DIGEST})",
            "names no tag or digest",
            'Write for example "registry/ils:1.4.2".',
        ),
        text(
            r"(?!.*:latest$).*",
            "is whatever was pushed last, which cannot be rolled back to",
            "Write a fixed tag or a digest.",
        ),
    ] = Field(default="ils/app:1.0.0", description="Container image with a fixed tag or digest.")
    replicas: Annotated[int, Field(strict=True, ge=1, le=1000)] = Field(default=3, description="Pods at release.")
    port: Annotated[int, Field(strict=True, ge=1024, le=65535)] = Field(
        default=5000, description="Port the application listens on; above 1023, as it does not run as root."
    )
    node_env: NodeEnv = Field(default=NodeEnv.DEVELOPMENT, description="What the framework optimises for (NODE_ENV).")
    log_level: LogLevel = Field(default=LogLevel.INFO, description="What the application logs (LOG_LEVEL).")
    lims_endpoint: Annotated[
        str, text(r"https://[^\s]+", "is not an https address", 'Write for example "https://lims.example.com/api".')
    ] = Field(default="https://lims.example.com/api", description="Address of the LIMS provider's API.")
    auth_provider: AuthProvider = Field(default=AuthProvider.COGNITO, description="Who signs users in.")
    namespace: DnsLabel = Field(
        default="ils", description="Kubernetes namespace; an environment file that says none gets `ils-<environment>`."
    )
    extra_env: dict[EnvName, str] = Field(
        default_factory=dict,
        description="Further environment variables, none of them secret: they go into a ConfigMap.",
    )
