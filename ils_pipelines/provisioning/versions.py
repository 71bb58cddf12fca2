"""The versions of an environment, judged by what AWS says of them now, before anything is provisioned.

An environment's file is checked against a bundled table, without a call. Here AWS is asked; of a service that does not
answer, the table is what is known.
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
from ils_pipelines.settings.versions import RELEASES, TABLE_DATE, Calendar, Product, Release, Standing, classify, newest
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

    @property
    def says(self) -> str:
        until = f" until {self.standing.until}" if self.standing.until else ""
        return f"{self.standing.support} support{until}" if not self.findings else self.findings[0].message


def check_versions(target: Target, today: date | None = None) -> tuple[Verdict, ...]:
    """Every version of the environment. Makes three calls, none of which changes anything.

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
        )
        for location, product, version in _versions(target.environment)
    )


def calendar_of(target: Target) -> tuple[Calendar, Mapping[Product, str]]:
    """What AWS says, completed by the bundled table; and why it says nothing of a product."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    releases: dict[Product, Mapping[str, Release]] = dict(RELEASES)
    silent: dict[Product, str] = {}
    wanted = {product for _, product, _ in _versions(target.environment)}

    def ask(product: Product) -> Mapping[str, Release] | str:
        try:
            return _QUESTIONS[product](target) or "it names none"
        # An answer that is no XML or JSON is what an endpoint gives that does not know the call at all.
        except (BotoCoreError, ClientError, ResponseParserError, KeyError) as error:
            return f"{type(error).__name__}: {error}"

    with ThreadPoolExecutor(len(wanted), thread_name_prefix="versions") as pool:
        for product, answer in zip(wanted, pool.map(ask, wanted), strict=True):
            if isinstance(answer, str):
                silent[product] = answer
            else:
                releases[product] = answer
    return Calendar(releases, frozenset(wanted - silent.keys())), silent


def _versions(environment: Environment) -> tuple[tuple[Location, Product, str], ...]:
    cluster, database, cache = environment.cluster, environment.database, environment.cache
    return (
        (("cluster", "version"), Product.EKS, cluster.version),
        (("database", "engine_version"), Product.AURORA_POSTGRESQL, database.engine_version),
        (("cache", "engine_version"), cache.engine.product, cache.engine_version),
    )


def _source(product: Product, calendar: Calendar, silent: Mapping[Product, str]) -> str:
    if product in calendar.asked:
        return "AWS"
    return f"table of {TABLE_DATE}, as AWS did not answer: {silent[product]}"


# -- what AWS is asked ------------------------------------------------------------------------------------------------


def _eks(target: Target) -> Mapping[str, Release]:
    """With the dates, which EKS tells."""
    client = target.client("eks")
    pages = client.get_paginator("describe_cluster_versions").paginate(includeAll=True)
    return {
        str(each["clusterVersion"]): Release(
            _day(each, "endOfStandardSupportDate"), _day(each, "endOfExtendedSupportDate")
        )
        for page in pages
        for each in page["clusterVersions"]
    }


def _aurora(target: Target) -> Mapping[str, Release]:
    """The versions that can be created; until when is in the table alone."""
    pages = target.client("rds").get_paginator("describe_db_engine_versions").paginate(Engine=_AURORA)
    minors: dict[str, list[int]] = defaultdict(list)
    for page in pages:
        for each in page["DBEngineVersions"]:
            major, _, minor = str(each["EngineVersion"]).partition(".")
            if minor.isdigit():  # there are others with a suffix, for Limitless databases
                minors[major].append(int(minor))
    return {
        major: Release(*_dates(Product.AURORA_POSTGRESQL, major), minors=tuple(sorted(found)))
        for major, found in minors.items()
    }


def _cache(product: Product, engine: str) -> Callable[[Target], Mapping[str, Release]]:
    def ask(target: Target) -> Mapping[str, Release]:
        pages = target.client("elasticache").get_paginator("describe_cache_engine_versions").paginate(Engine=engine)
        found = {
            ".".join(str(each["EngineVersion"]).split(".")[:2])
            for page in pages
            for each in page["CacheEngineVersions"]
        }
        return {version: Release(*_dates(product, version)) for version in sorted(found)}

    return ask


_QUESTIONS: Mapping[Product, Callable[[Target], Mapping[str, Release]]] = {
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
