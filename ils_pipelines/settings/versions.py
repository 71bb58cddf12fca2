"""Which engine versions AWS still creates, and until when: a table with a date, so that no call is needed to check a file.

Sources: the support calendars of EKS, Aurora PostgreSQL and ElastiCache, as looked up on `TABLE_DATE`. AWS refuses to
create what is past extended support, and charges a multiple of the price for what is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

TABLE_DATE = date(2026, 11, 1)
WARN_AHEAD = timedelta(days=90)


class Product(StrEnum):
    """What has versions."""

    EKS = "EKS"
    AURORA_POSTGRESQL = "Aurora PostgreSQL"
    REDIS = "ElastiCache for Redis OSS"
    VALKEY = "ElastiCache for Valkey"


class Support(StrEnum):
    """How AWS supports a version on a given day."""

    STANDARD = "standard"
    EXTENDED = "extended"
    NOT_CREATABLE = "not creatable"
    UNKNOWN = "unknown"
    """Not in the table: newer than the table, or a typing mistake."""


@dataclass(frozen=True)
class Release:
    """One version and its dates. `None` means that AWS has not announced one."""

    standard_until: date | None
    extended_until: date | None
    minors: tuple[int, int] | None = None
    """Oldest and newest minor version that can be created, where minors are the user's choice."""


@dataclass(frozen=True)
class Standing:
    """Where one version stands on one day."""

    product: Product
    version: str
    support: Support
    until: date | None
    """Last day of this standing; for what is not creatable, the day that ended it."""
    ends_soon: bool
    """Whether `until` is at most 90 days away."""
    alternatives: tuple[str, ...]
    """Versions in standard support, newest first."""


RELEASES: Mapping[Product, Mapping[str, Release]] = MappingProxyType(
    {
        Product.EKS: {
            "1.28": Release(date(2024, 11, 26), date(2025, 11, 26)),
            "1.29": Release(date(2025, 3, 23), date(2026, 3, 23)),
            "1.30": Release(date(2025, 7, 23), date(2026, 7, 23)),
            "1.31": Release(date(2025, 11, 26), date(2026, 11, 26)),
            "1.32": Release(date(2026, 3, 23), date(2027, 3, 23)),
            "1.33": Release(date(2026, 7, 29), date(2027, 7, 29)),
            "1.34": Release(date(2026, 12, 2), date(2027, 12, 2)),
            "1.35": Release(date(2027, 3, 27), date(2028, 3, 27)),
            "1.36": Release(date(2027, 8, 2), date(2028, 8, 2)),
        },
        Product.AURORA_POSTGRESQL: {
            "13": Release(date(2026, 2, 28), date(2029, 2, 28)),
            "14": Release(date(2027, 2, 28), date(2030, 2, 28)),
            # 15.2 to 15.5 are refused since their minor support ended.
            "15": Release(date(2028, 2, 29), date(2031, 2, 28), minors=(6, 17)),
            "16": Release(date(2029, 2, 28), date(2032, 2, 29)),
            "17": Release(date(2030, 2, 28), date(2033, 2, 28)),
        },
        Product.REDIS: {"7.0": Release(None, None), "7.1": Release(None, None)},
        Product.VALKEY: {version: Release(None, None) for version in ("7.2", "8.0", "8.1", "8.2", "9.0")},
    }
)


def classify(product: Product, version: str, today: date) -> Standing:
    """Where `version` stands on `today`. An Aurora version may be a major (`15`) or a minor (`15.17`)."""
    major, _, minor = version.partition(".")
    by_major = product is Product.AURORA_POSTGRESQL
    release = RELEASES[product].get(major if by_major else version)
    if release is None or (by_major and minor and not minor.isdigit()):
        return _standing(product, version, Support.UNKNOWN, None, today)
    if by_major and minor:
        oldest, newest = release.minors or (0, -1)
        if int(minor) > newest:
            return _standing(product, version, Support.UNKNOWN, None, today)
        if int(minor) < oldest:
            return _standing(product, version, Support.NOT_CREATABLE, None, today)
    if release.standard_until is None or today <= release.standard_until:
        return _standing(product, version, Support.STANDARD, release.standard_until, today)
    if release.extended_until is None or today <= release.extended_until:
        return _standing(product, version, Support.EXTENDED, release.extended_until, today)
    return _standing(product, version, Support.NOT_CREATABLE, release.extended_until, today)


def _standing(product: Product, version: str, support: Support, until: date | None, today: date) -> Standing:
    return Standing(
        product=product,
        version=version,
        support=support,
        until=until,
        ends_soon=until is not None and timedelta(0) <= until - today <= WARN_AHEAD,
        alternatives=tuple(
            reversed([known for known in RELEASES[product] if _in_standard_support(product, known, today)])
        ),
    )


def _in_standard_support(product: Product, version: str, today: date) -> bool:
    until = RELEASES[product][version].standard_until
    return until is None or today <= until


def parameter_group_family(product: Product, version: str) -> str:
    """The family a parameter group must have to go with an engine version, e.g. `aurora-postgresql15`, `redis7`."""
    prefix = {Product.AURORA_POSTGRESQL: "aurora-postgresql", Product.REDIS: "redis", Product.VALKEY: "valkey"}[product]
    return f"{prefix}{version.split('.', maxsplit=1)[0]}"
