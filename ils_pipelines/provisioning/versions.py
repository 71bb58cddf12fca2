"""The versions of an environment, judged by what AWS says of them now, before anything is provisioned.

An environment's file is checked against a bundled table, without a call. Here AWS is asked; of a service that does not
answer, the table is what is known, while it is young enough. ElastiCache tells no dates at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

from ils_pipelines.errors import IlsError
from ils_pipelines.settings.environment import Environment, utc_today
from ils_pipelines.settings.problems import Finding, Location, Severity, dotted
from ils_pipelines.settings.version_rules import version_findings
from ils_pipelines.settings.versions import (
    RELEASES,
    TABLE_DATE,
    TABLE_LASTS,
    Calendar,
    Product,
    Release,
    Standing,
    classify,
    newest,
)
from ils_pipelines.targets.protocol import Target

_AURORA = "aurora-postgresql"


class VersionRefused(IlsError):
    """A version of the file cannot be created. Nothing was changed."""


@dataclass(frozen=True)
class Verdict:
    """Where one version of the file stands."""

    path: str
    standing: Standing
    resolved: str
    """What it stands for: of an Aurora major the newest minor; AWS may start with an older one and upgrades it."""
    source: str
    """Who says so."""
    findings: tuple[Finding, ...]
    current: bool = True
    """Whether who says so can be trusted today: AWS, or a table that is not too old."""

    @property
    def says(self) -> str:
        if not self.current:
            return f"not known: the table of versions is of {TABLE_DATE}, more than {TABLE_LASTS.days} days ago"
        until = f" until {self.standing.until}" if self.standing.until else ""
        return f"{self.standing.support} support{until}" if not self.findings else self.findings[0].message


def check_versions(target: Target, today: date | None = None) -> tuple[Verdict, ...]:
    """Every version of the environment. Makes a few calls, none of which changes anything.

    Raises `VersionRefused` for one that AWS does not create, or that is in no table and AWS was not to be asked of.
    """
    found = verdicts(target, today)
    refused = [
        f"{each.path}: {finding.message}, found {each.standing.version!r} ({each.source}). {finding.remedy}"
        for each in found
        for finding in each.findings
        if finding.severity is Severity.ERROR or each.standing.newer
    ]
    if refused:
        raise VersionRefused("; ".join(refused) + " Nothing was changed.")
    return found


def verdicts(target: Target, today: date | None = None) -> tuple[Verdict, ...]:
    """Likewise, and raises nothing."""
    today = today or utc_today()
    calendar, silent = calendar_of(target)
    return tuple(
        Verdict(
            path=dotted(location),
            standing=classify(product, version, today, calendar),
            resolved=newest(product, version, calendar),
            source=_source(product, calendar, silent),
            findings=tuple(version_findings(product, version, location, today, calendar)),
            current=calendar.is_current(product, today),
        )
        for location, product, version in _versions(target.environment)
    )


def calendar_of(target: Target) -> tuple[Calendar, Mapping[Product, str]]:
    """What AWS says, completed by the bundled table; and why it says nothing of a product."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    releases: dict[Product, Mapping[str, Release]] = dict(RELEASES)
    silent: dict[Product, str] = {}
    dated: set[Product] = set()
    wanted = {product for _, product, _ in _versions(target.environment)}

    def ask(product: Product) -> _Told | str:
        try:
            told = _QUESTIONS[product](target)
        # An answer that is no XML or JSON is what an endpoint gives that does not know the call at all.
        except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
            return f"{type(error).__name__}: {error}"
        return told if told.releases else "it names none"

    with ThreadPoolExecutor(len(wanted), thread_name_prefix="versions") as pool:
        for product, answer in zip(wanted, pool.map(ask, wanted), strict=True):
            if isinstance(answer, str):
                silent[product] = answer
            else:
                releases[product] = answer.releases
                if answer.dated:
                    dated.add(product)
    return Calendar(releases, frozenset(wanted - silent.keys()), frozenset(dated)), silent


def _versions(environment: Environment) -> tuple[tuple[Location, Product, str], ...]:
    cluster, database, cache = environment.cluster, environment.database, environment.cache
    return (
        (("cluster", "version"), Product.EKS, cluster.version),
        (("database", "engine_version"), Product.AURORA_POSTGRESQL, database.engine_version),
        (("cache", "engine_version"), cache.engine.product, cache.engine_version),
    )


def _source(product: Product, calendar: Calendar, silent: Mapping[Product, str]) -> str:
    if product is Product.AURORA_POSTGRESQL and product in calendar.asked - calendar.dated:
        return f"AWS, which did not tell the dates: those are of the table of {TABLE_DATE}"
    if product in calendar.asked:
        return "AWS"
    return f"table of {TABLE_DATE}, as AWS did not answer: {silent[product]}"


# -- what AWS is asked ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Told:
    """What AWS said of a product."""

    releases: Mapping[str, Release]
    dated: bool
    """Whether that includes the dates; else they are those of the table."""


def _eks(target: Target) -> _Told:
    client = target.client("eks")
    pages = client.get_paginator("describe_cluster_versions").paginate(includeAll=True)
    releases = {
        str(each["clusterVersion"]): Release(
            _day(each, "endOfStandardSupportDate"), _day(each, "endOfExtendedSupportDate")
        )
        for page in pages
        for each in page["clusterVersions"]
    }
    return _Told(releases, dated=True)


def _aurora(target: Target) -> _Told:
    """The versions that can be created, and until when each major is supported."""
    pages = target.client("rds").get_paginator("describe_db_engine_versions").paginate(Engine=_AURORA)
    minors: dict[str, list[int]] = defaultdict(list)
    for page in pages:
        for each in page["DBEngineVersions"]:
            major, _, minor = str(each["EngineVersion"]).partition(".")
            if minor.isdigit():  # there are others with a suffix, for Limitless databases
                minors[major].append(int(minor))
    dates = _aurora_dates(target)
    releases = {
        major: Release(*(dates.get(major) or _dates(Product.AURORA_POSTGRESQL, major)), minors=tuple(sorted(found)))
        for major, found in minors.items()
    }
    return _Told(releases, dated=minors.keys() <= dates.keys())


def _aurora_dates(target: Target) -> Mapping[str, tuple[date | None, date | None]]:
    """By major, the last days of standard and of extended support; none where RDS does not answer that."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    pages = target.client("rds").get_paginator("describe_db_major_engine_versions").paginate(Engine=_AURORA)
    try:
        found = [each for page in pages for each in page["DBMajorEngineVersions"]]
    except (BotoCoreError, ClientError, ResponseParserError):
        return {}
    ends: dict[str, tuple[date | None, date | None]] = {}
    for each in found:
        cycles = {cycle["LifecycleSupportName"]: cycle for cycle in each.get("SupportedEngineLifecycles", ())}
        standard, extended = (
            _day(cycles.get(f"open-source-rds-{kind}-support", {}), "LifecycleSupportEndDate")
            for kind in ("standard", "extended")
        )
        if standard is not None:
            ends[str(each["MajorEngineVersion"])] = (standard, extended)
    return ends


def _cache(product: Product, engine: str) -> Callable[[Target], _Told]:
    def ask(target: Target) -> _Told:
        pages = target.client("elasticache").get_paginator("describe_cache_engine_versions").paginate(Engine=engine)
        found = {
            ".".join(str(each["EngineVersion"]).split(".")[:2])
            for page in pages
            for each in page["CacheEngineVersions"]
        }
        return _Told({version: Release(*_dates(product, version)) for version in sorted(found)}, dated=False)

    return ask


_QUESTIONS: Mapping[Product, Callable[[Target], _Told]] = {
    Product.EKS: _eks,
    Product.AURORA_POSTGRESQL: _aurora,
    Product.REDIS: _cache(Product.REDIS, "redis"),
    Product.VALKEY: _cache(Product.VALKEY, "valkey"),
}


def _day(described: Mapping[str, Any], member: str) -> date | None:
    moment = described.get(member)
    return None if moment is None else moment.date()


def _dates(product: Product, version: str) -> tuple[date | None, date | None]:
    known = RELEASES[product].get(version)
    return (None, None) if known is None else (known.standard_until, known.extended_until)
