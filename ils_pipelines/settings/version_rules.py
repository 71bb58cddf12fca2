"""What a version's standing means for an environment file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ils_pipelines.settings.problems import Finding, Location, Severity
from ils_pipelines.settings.versions import TABLE_DATE, WARN_AHEAD, Product, Standing, Support, classify


def version_findings(product: Product, version: str, location: Location, today: date) -> Iterator[Finding]:
    """An error for what cannot be created, a warning for what costs more or soon will."""
    standing = classify(product, version, today)
    message = _message(standing)
    if message is not None:
        broken = standing.support in {Support.NOT_CREATABLE, Support.UNKNOWN}
        severity = Severity.ERROR if broken else Severity.WARNING
        yield Finding(location, version, message, _remedy(standing), severity=severity)


def _message(standing: Standing) -> str | None:
    name = f"{standing.product} {standing.version}"
    match standing.support:
        case Support.UNKNOWN:
            return f"{name} is not in the version table of {TABLE_DATE}"
        case Support.NOT_CREATABLE:
            ended = "" if standing.until is None else f" since {standing.until}"
            return f"{name} can no longer be created{ended}"
        case Support.EXTENDED:
            return f"{name} is in extended support, which costs extra, until {standing.until}"
        case Support.STANDARD if standing.ends_soon:
            return f"{name} leaves standard support on {standing.until}, in less than {WARN_AHEAD.days} days"
    return None


def _remedy(standing: Standing) -> str:
    choices = " or ".join(f'"{version}"' for version in standing.alternatives)
    if standing.support is Support.UNKNOWN:
        return f"Use {choices}, or bring the table (settings/versions.py) up to date."
    if standing.product is Product.EKS and standing.support is not Support.NOT_CREATABLE:
        return f"Plan the upgrade, one minor version at a time, to {choices}."
    return f"Use {choices}."
