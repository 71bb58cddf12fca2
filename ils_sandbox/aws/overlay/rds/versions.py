"""The versions of Aurora PostgreSQL that can be created, a part of them, looked up in autumn 2026."""

from __future__ import annotations

from datetime import datetime, timedelta

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError

ENGINE = "aurora-postgresql"

# Major version -> minors, oldest first. 15.2, 15.4 and 15.5 are refused now.
MINORS: dict[str, tuple[int, ...]] = {
    "13": (20, 21, 22, 23),
    "14": (17, 18, 19, 20, 22),
    "15": (10, 12, 13, 14, 15, 17),
    "16": (8, 9, 10, 11, 13),
    "17": (4, 5, 6, 7, 9),
}
DEFAULT_MAJOR = "16"
# Major version -> first day, last day of standard support, last day of extended support.
LIFECYCLES = {
    "13": ("2021-08-26", "2026-02-28", "2029-02-28"),
    "14": ("2022-06-20", "2027-02-28", "2030-02-28"),
    "15": ("2023-03-30", "2028-02-29", "2031-02-28"),
    "16": ("2024-01-31", "2029-02-28", "2032-02-29"),
    "17": ("2025-05-01", "2030-02-28", "2033-02-28"),
}
CA_CERTIFICATES = ["rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"]


def versions() -> list[str]:
    return [f"{major}.{minor}" for major, minors in MINORS.items() for minor in minors]


def resolve(version: str | None) -> str:
    """The full version for a full one, a major one or none. Raises InvalidParameterCombination."""
    wanted = version or DEFAULT_MAJOR
    if wanted in MINORS:
        return f"{wanted}.{MINORS[wanted][-1]}"
    if wanted not in versions():
        raise AwsError("InvalidParameterCombination", f"Cannot find version {wanted} for {ENGINE}")
    return wanted


def targets_of(version: str) -> list[str]:
    """What a cluster of that version can be brought to: every newer minor, and the newest of newer majors."""
    return [
        target
        for target in versions()
        if _order(target) > _order(version) and (major_of(target) == major_of(version) or _is_newest(target))
    ]


def major_of(version: str) -> str:
    return version.partition(".")[0]


def describe_db_engine_versions(call: Call, world: World) -> Result:
    """Those that are offered, unless all are asked for."""
    params = call.params
    engines = {params["Engine"]} if params.get("Engine") else set()
    for entry in params.get("Filters") or ():
        if entry["Name"] == "engine":
            engines.update(entry["Values"])
    if engines and ENGINE not in engines:
        return {"DBEngineVersions": []}
    wanted = params.get("EngineVersion")
    found = [version for version in versions() if wanted in (None, version, version.partition(".")[0])]
    if not params.get("IncludeAll"):
        found = [version for version in found if world.lifecycles.offers(version)]
    if params.get("DBParameterGroupFamily"):
        found = [version for version in found if _family(version) == params["DBParameterGroupFamily"]]
    if params.get("DefaultOnly"):
        majors = {version.partition(".")[0] for version in found}
        found = [resolve(DEFAULT_MAJOR if DEFAULT_MAJOR in majors else major) for major in sorted(majors)[:1]]
    return {"DBEngineVersions": [_described(call, world, version) for version in found]}


def describe_db_major_engine_versions(call: Call, _world: World) -> Result:
    params = call.params
    wanted = [major for major in LIFECYCLES if params.get("MajorEngineVersion") in (None, major)]
    if params.get("Engine") not in (None, ENGINE):
        wanted = []
    return {"DBMajorEngineVersions": [_lifecycle(major) for major in wanted]}


def _lifecycle(major: str) -> Result:
    begin, standard, extended = (datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in LIFECYCLES[major])
    day = timedelta(days=1)
    periods = {"standard": (begin, standard + day), "extended": (standard + day, extended + day)}
    return {
        "Engine": ENGINE,
        "MajorEngineVersion": major,
        "SupportedEngineLifecycles": [
            {
                "LifecycleSupportName": f"open-source-rds-{name}-support",
                "LifecycleSupportStartDate": start,
                "LifecycleSupportEndDate": end - timedelta(milliseconds=1),
            }
            for name, (start, end) in periods.items()
        ],
    }


def _family(version: str) -> str:
    return f"{ENGINE}{version.partition('.')[0]}"


def _described(call: Call, world: World, version: str) -> Result:
    major = major_of(version)
    return {
        "Engine": ENGINE,
        "MajorEngineVersion": major,
        "EngineVersion": version,
        "DBParameterGroupFamily": _family(version),
        "DBEngineDescription": "Aurora (PostgreSQL)",
        "DBEngineVersionDescription": f"Aurora PostgreSQL (Compatible with PostgreSQL {version})",
        "DBEngineVersionArn": f"arn:aws:rds:{call.region}::engine-version:{ENGINE}/{version}",
        "ValidUpgradeTarget": [
            {
                "Engine": ENGINE,
                "EngineVersion": target,
                "Description": f"Aurora PostgreSQL (Compatible with PostgreSQL {target})",
                "AutoUpgrade": False,
                "IsMajorVersionUpgrade": major_of(target) != major,
                "SupportedEngineModes": ["provisioned"],
            }
            for target in targets_of(version)
            if world.lifecycles.offers(target)
        ],
        "ExportableLogTypes": ["iam-db-auth-error", "instance", "postgresql"],
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": False,
        "SupportedEngineModes": ["provisioned"],
        "SupportedFeatureNames": ["Bedrock", "Comprehend", "Lambda", "s3Export", "s3Import", "SageMaker"],
        "Status": "available" if world.lifecycles.offers(version) else "deprecated",
        "SupportsParallelQuery": False,
        "SupportsGlobalDatabases": True,
        "SupportsBabelfish": True,
        "SupportsLimitlessDatabase": False,
        "SupportsCertificateRotationWithoutRestart": True,
        "SupportedCACertificateIdentifiers": CA_CERTIFICATES,
        "SupportsLocalWriteForwarding": True,
        "SupportsIntegrations": False,
        "ServerlessV2FeaturesSupport": {"MinCapacity": 0.0, "MaxCapacity": 256.0},
        "TagList": [],
    }


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _is_newest(version: str) -> bool:
    return version == resolve(version.partition(".")[0])
