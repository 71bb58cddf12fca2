"""The engines and versions that ElastiCache offers, looked up in autumn 2026, and their parameter group families."""

from __future__ import annotations

from dataclasses import dataclass

from ils_sandbox.aws.calls import Call
from ils_sandbox.aws.overlay.world import Result, World
from ils_sandbox.aws.responses import AwsError


@dataclass(frozen=True)
class CacheVersion:
    """One version of one engine. `full` is what a running node reports."""

    engine: str
    version: str
    full: str
    family: str


VERSIONS = tuple(
    CacheVersion(*row)
    for row in (
        ("redis", "4.0.10", "4.0.10", "redis4.0"),
        ("redis", "5.0.6", "5.0.6", "redis5.0"),
        ("redis", "6.0", "6.0.5", "redis6.x"),
        ("redis", "6.2", "6.2.6", "redis6.x"),
        ("redis", "7.0", "7.0.7", "redis7"),
        ("redis", "7.1", "7.1.0", "redis7"),
        ("valkey", "7.2", "7.2.6", "valkey7"),
        ("valkey", "8.0", "8.0.1", "valkey8"),
        ("valkey", "8.1", "8.1.0", "valkey8"),
        ("valkey", "8.2", "8.2.0", "valkey8"),
        ("valkey", "9.0", "9.0.0", "valkey9"),
        ("memcached", "1.6.22", "1.6.22", "memcached1.6"),
    )
)
FAMILIES = frozenset(version.family for version in VERSIONS)


def resolve(engine: str, version: str | None) -> CacheVersion:
    """The version asked for, the newest of the engine when none is. Raises InvalidParameterValue."""
    of_engine = [known for known in VERSIONS if known.engine == engine]
    if not of_engine:
        raise AwsError("InvalidParameterValue", f"Invalid value for Engine: {engine}")
    if version is None:
        return of_engine[-1]
    for known in of_engine:
        if version in (known.version, known.full):
            return known
    # `6.x` and `7.x` stand for the newest minor of that major.
    matching = [known for known in of_engine if version.endswith(".x") and known.version.startswith(version[:-1])]
    if not matching:
        message = f"Cannot find version {version} for {engine}"
        raise AwsError("InvalidParameterCombination", message)
    return matching[-1]


def describe_cache_engine_versions(call: Call, _world: World) -> Result:
    params = call.params
    found = [
        version
        for version in VERSIONS
        if params.get("Engine") in (None, version.engine)
        and params.get("EngineVersion") in (None, version.version, version.full)
        and params.get("CacheParameterGroupFamily") in (None, version.family)
    ]
    if params.get("DefaultOnly"):
        newest = {version.engine: version for version in found}
        found = list(newest.values())
    return {
        "CacheEngineVersions": [
            {
                "Engine": version.engine,
                "EngineVersion": version.version,
                "CacheParameterGroupFamily": version.family,
                "CacheEngineDescription": version.engine.capitalize(),
                "CacheEngineVersionDescription": f"{version.engine} version {version.full}",
            }
            for version in found
        ]
    }
