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
TABLE_LASTS = timedelta(days=180)
"""How long the table can be trusted: AWS adds and retires some versions several times a year."""
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
    minors: tuple[int, ...] = ()
    """Minor versions that can be created, oldest first, where minors are the user's choice; none where not looked up."""


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
    newer: bool
    """Whether the version is unknown and newer than all that are known: perhaps AWS has made it meanwhile."""
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
            "15": Release(date(2028, 2, 29), date(2031, 2, 28), minors=tuple(range(6, 18))),
            "16": Release(date(2029, 2, 28), date(2032, 2, 29)),
            "17": Release(date(2030, 2, 28), date(2033, 2, 28)),
        },
        Product.REDIS: {"7.0": Release(None, None), "7.1": Release(None, None)},
        Product.VALKEY: {version: Release(None, None) for version in ("7.2", "8.0", "8.1", "8.2", "9.0")},
    }
)


@dataclass(frozen=True)
class Calendar:
    """What is known of versions: the bundled table, or what AWS says."""

    releases: Mapping[Product, Mapping[str, Release]]
    asked: frozenset[Product] = frozenset()
    """The products of which AWS was asked just now: what it does not name of them cannot be created."""
    dated: frozenset[Product] = frozenset()
    """Those of which it said until when it supports each version; of the others, that is in the bundled table."""

    def is_current(self, product: Product, today: date) -> bool:
        """Whether it can be trusted on that day. A product without dates, as Redis, is known by what AWS creates."""
        if product in self.dated:
            return True
        undated = all(each.standard_until is None for each in self.releases[product].values())
        return (product in self.asked and undated) or today - TABLE_DATE <= TABLE_LASTS


BUNDLED = Calendar(RELEASES)
_CONTINUED = frozenset({Product.EKS, Product.AURORA_POSTGRESQL, Product.VALKEY})
"""Products that get new versions; Redis OSS ends with 7.1."""


def classify(product: Product, version: str, today: date, calendar: Calendar = BUNDLED) -> Standing:
    """Where `version` stands on `today`. An Aurora version may be a major (`15`) or a minor (`15.17`)."""
    major, _, minor = version.partition(".")
    by_major = product is Product.AURORA_POSTGRESQL
    release = calendar.releases[product].get(major if by_major else version)
    support, until = Support.UNKNOWN, None
    if release is None or (by_major and minor and not minor.isdigit()):
        pass
    elif by_major and minor and int(minor) not in release.minors:
        older = bool(release.minors) and int(minor) < release.minors[-1]
        support = Support.NOT_CREATABLE if older else Support.UNKNOWN
    elif release.standard_until is None or today <= release.standard_until:
        support, until = Support.STANDARD, release.standard_until
    elif release.extended_until is None or today <= release.extended_until:
        support, until = Support.EXTENDED, release.extended_until
    else:
        support, until = Support.NOT_CREATABLE, release.extended_until
    return _standing(product, version, support, until, today, calendar)


def newest(product: Product, version: str, calendar: Calendar = BUNDLED) -> str:
    """What a version stands for: of an Aurora major the newest minor that is known, any other itself."""
    release = calendar.releases[product].get(version)
    if product is Product.AURORA_POSTGRESQL and release is not None and release.minors:
        return f"{version}.{release.minors[-1]}"
    return version


def _newer(product: Product, version: str, calendar: Calendar) -> bool:
    """Whether the version looks like the next ones of a product that gets more."""
    parts, known = version.split("."), calendar.releases[product]
    wanted_parts = {Product.AURORA_POSTGRESQL: (1, 2)}.get(product, (2,))
    if product not in _CONTINUED or len(parts) not in wanted_parts or not all(part.isdigit() for part in parts):
        return False
    if product is Product.AURORA_POSTGRESQL and parts[0] in known:
        return True  # a known major whose minor is not: those that are too old are told apart before
    return _order(version) > max(_order(each) for each in known)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _standing(
    product: Product, version: str, support: Support, until: date | None, today: date, calendar: Calendar
) -> Standing:
    return Standing(
        product=product,
        version=version,
        support=support,
        until=until,
        ends_soon=until is not None and timedelta(0) <= until - today <= WARN_AHEAD,
        newer=support is Support.UNKNOWN and _newer(product, version, calendar),
        alternatives=tuple(
            sorted(
                (
                    known
                    for known, release in calendar.releases[product].items()
                    if _in_standard_support(release, today)
                ),
                key=_order,
                reverse=True,
            )
        ),
    )


def _in_standard_support(release: Release, today: date) -> bool:
    return release.standard_until is None or today <= release.standard_until


def parameter_group_family(product: Product, version: str) -> str:
    """The family a parameter group must have to go with an engine version, e.g. `aurora-postgresql15`, `redis7`."""
    prefix = {Product.AURORA_POSTGRESQL: "aurora-postgresql", Product.REDIS: "redis", Product.VALKEY: "valkey"}[product]
    return f"{prefix}{version.split('.', maxsplit=1)[0]}"
