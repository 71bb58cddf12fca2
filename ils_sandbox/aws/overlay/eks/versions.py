"""The Kubernetes versions that EKS offers, looked up in autumn 2026."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

DEFAULT_VERSION = "1.35"


@dataclass(frozen=True)
class EksVersion:
    """One minor version of Kubernetes on EKS."""

    version: str
    released: date
    end_of_standard_support: date
    end_of_extended_support: date
    patch: str
    platform: str

    def status(self, today: date) -> str:
        """`STANDARD_SUPPORT`, `EXTENDED_SUPPORT` or `UNSUPPORTED` (can no longer be created)."""
        if today < self.end_of_standard_support:
            return "STANDARD_SUPPORT"
        return "EXTENDED_SUPPORT" if today < self.end_of_extended_support else "UNSUPPORTED"


# fmt: off
VERSIONS = tuple(
    EksVersion(version, *(date.fromisoformat(day) for day in days), patch, platform)  # type: ignore[arg-type, call-arg]
    for version, days, patch, platform in (
        ("1.28", ("2023-09-26", "2024-11-26", "2025-11-26"), "1.28.15", "eks.60"),
        ("1.29", ("2024-01-23", "2025-03-23", "2026-03-23"), "1.29.15", "eks.58"),
        ("1.30", ("2024-05-23", "2025-07-23", "2026-07-23"), "1.30.14", "eks.52"),
        ("1.31", ("2024-09-26", "2025-11-26", "2026-11-26"), "1.31.14", "eks.46"),
        ("1.32", ("2025-01-23", "2026-03-23", "2027-03-23"), "1.32.12", "eks.38"),
        ("1.33", ("2025-05-29", "2026-07-29", "2027-07-29"), "1.33.9", "eks.26"),
        ("1.34", ("2025-10-02", "2026-12-02", "2027-12-02"), "1.34.6", "eks.18"),
        ("1.35", ("2026-01-27", "2027-03-27", "2028-03-27"), "1.35.4", "eks.12"),
        ("1.36", ("2026-06-02", "2027-08-02", "2028-08-02"), "1.36.2", "eks.4"),
    )
)
# fmt: on
BY_NAME = {version.version: version for version in VERSIONS}


def today() -> date:
    return datetime.now(UTC).date()


def creatable(name: str) -> EksVersion:
    """The version of that name. Raises InvalidParameterException when EKS no longer, or not yet, creates it."""
    version = BY_NAME.get(name)
    if version is None or version.status(today()) == "UNSUPPORTED":
        raise AwsError("InvalidParameterException", f"unsupported Kubernetes version {name}")
    return version


def node_release(version: EksVersion) -> str:
    """The newest release of the node image for a version."""
    return f"{version.patch}-20261109"


def describe_cluster_versions(call: Call, _world: World) -> Result:
    params, day = call.params, today()
    wanted = params.get("versionStatus") or str(params.get("status", "")).upper().replace("-", "_")
    named = params.get("clusterVersions") or ()
    found = [
        version
        for version in reversed(VERSIONS)
        if (not named or version.version in named)
        and (not wanted or version.status(day) == wanted)
        and (not params.get("defaultOnly") or version.version == DEFAULT_VERSION)
        and (named or wanted or params.get("includeAll") or version.status(day) != "UNSUPPORTED")
    ]
    return {"clusterVersions": [_described(version, day) for version in found]}


def _described(version: EksVersion, day: date) -> Result:
    status = version.status(day)
    return {
        "clusterVersion": version.version,
        "clusterType": "eks",
        "defaultPlatformVersion": version.platform,
        "defaultVersion": version.version == DEFAULT_VERSION,
        "releaseDate": _midnight(version.released),
        "endOfStandardSupportDate": _midnight(version.end_of_standard_support),
        "endOfExtendedSupportDate": _midnight(version.end_of_extended_support),
        "status": status.lower().replace("_", "-"),
        "versionStatus": status,
        "kubernetesPatchVersion": version.patch,
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
