"""What a version's standing means for an environment file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ils_pipelines.settings.problems import Finding, Location, Severity
from ils_pipelines.settings.versions import (
    BUNDLED,
    TABLE_DATE,
    WARN_AHEAD,
    Calendar,
    Product,
    Standing,
    Support,
    classify,
)


def version_findings(
    product: Product, version: str, location: Location, today: date, calendar: Calendar = BUNDLED
) -> Iterator[Finding]:
    """An error for what cannot be created, a warning for what costs more or soon will.

    What is newer than the bundled table is not refused for that: AWS is asked of it before anything is provisioned.
    """
    standing = classify(product, version, today, calendar)
    asked = product in calendar.asked
    message = _message(standing, asked)
    if message is not None:
        broken = standing.support in {Support.NOT_CREATABLE, Support.UNKNOWN} and (asked or not standing.newer)
        severity = Severity.ERROR if broken else Severity.WARNING
        yield Finding(location, version, message, _remedy(standing, asked), severity=severity)


def _message(standing: Standing, asked: bool) -> str | None:
    name = f"{standing.product} {standing.version}"
    match standing.support:
        case Support.UNKNOWN if asked:
            return f"{name} is not among the versions that AWS creates now"
        case Support.UNKNOWN if standing.newer:
            return f"{name} is newer than the version table of {TABLE_DATE}"
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


def _remedy(standing: Standing, asked: bool) -> str:
    choices = " or ".join(f'"{version}"' for version in standing.alternatives)
    if standing.support is Support.UNKNOWN and not asked:
        if standing.newer:
            return f"AWS is asked of it before anything is provisioned; {choices} are known."
        return f"Use {choices}, or bring the table (settings/versions.py) up to date."
    if standing.product is Product.EKS and standing.support not in {Support.NOT_CREATABLE, Support.UNKNOWN}:
        return f"Plan the upgrade, one minor version at a time, to {choices}."
    return f"Use {choices}."
