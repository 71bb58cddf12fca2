"""The load balancer of an environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Days, Flag, Section, text


class LoadBalancer(Section):
    """An application load balancer that answers the internet over HTTPS alone."""

    domain: Annotated[
        str,
        text(
            r"([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}",
            "is not a DNS name",
            'Write lower-case labels with dots between, for example "ils.example.com".',
            # The longest common name that a certificate may have.
            64,
        ),
    ] = Field(
        default="ils.example.com",
        description="The name people open. Its certificate is made here; DNS must point the name at the load balancer.",
    )
    access_log_days: Days = Field(default=30, description="Days that the log of requests is kept in its bucket.")
    deletion_protection: Flag = Field(default=False, description="Whether AWS itself refuses to delete it.")
    session_hours: Annotated[int, Field(strict=True, ge=1, le=168)] = Field(
        default=24, description="Hours that the requests of one browser keep going to the same pod."
    )
