"""Which TLS servers are looked at besides those that the layers make."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ils_pipelines.settings.section import Section, text

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
_HOST = r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[0-9a-fA-F:]+"


def _host() -> object:
    return text(_HOST, "is not a name or an address", 'Write for example "reports.ils.example.com" or "10.0.1.7".', 253)


class TlsEndpoint(Section):
    """One server whose certificate people depend on."""

    name: Annotated[str, _host()] = Field(
        description="The name that its certificate has to be for.", examples=["reports.ils.example.com"]
    )
    address: Annotated[str, _host()] | None = Field(
        default=None, description="Where it is reached, if not by its name: a name or an address."
    )
    port: Port = Field(default=443, description="Where it listens.")
    http_port: Port | None = Field(
        default=None, description="Where plain HTTP has to answer with a redirect to HTTPS; None looks at none."
    )
    authorities: (
        Annotated[
            str,
            text(
                r"\s*-----BEGIN CERTIFICATE-----[\s\S]+-----END CERTIFICATE-----\s*",
                "is not a PEM certificate",
                "Write the certificates of the authorities as a block: `authorities: |`, then the PEM below.",
                100_000,
            ),
        ]
        | None
    ) = Field(default=None, description="Authorities of a private server, PEM; None trusts those that browsers trust.")

    @property
    def host(self) -> str:
        return self.address or self.name


class Certificates(Section):
    """What the certificate check looks at."""

    endpoints: tuple[TlsEndpoint, ...] = Field(
        default=(), description="Servers besides the load balancer, the cluster's API, the database and the cache."
    )
