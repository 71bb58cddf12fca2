"""How long before its end a certificate asks for attention: a share of its life, as lives get shorter.

ACM's public certificates live 198 days, under 100 from 2027-03-15, and are renewed by themselves 45 days before their end; an
authority of RDS lives 40 years. Thirty days are most of a short life and nothing of a long one. With a sixth and a twentieth
whoever renews in time is never warned: 33 and 10 days of 198, 15 and 4.5 of 90, 24 and 7 hours of six days.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ils_pipelines.operations.findings import Urgency

WARNING_SHARE = 6
CRITICAL_SHARE = 20
LONGEST_WARNING = timedelta(days=90)
LONGEST_CRITICAL = timedelta(days=30)
"""Of authorities and other certificates that live for years: nobody plans further ahead."""


def warning_before(lifetime: timedelta) -> timedelta:
    return min(lifetime / WARNING_SHARE, LONGEST_WARNING)


def critical_before(lifetime: timedelta) -> timedelta:
    return min(lifetime / CRITICAL_SHARE, LONGEST_CRITICAL)


def urgency_of_end(begins: datetime, ends: datetime, now: datetime) -> Urgency:
    """How urgent the end of a certificate is that is valid from `begins` to `ends` (UTC, aware)."""
    lifetime, left = ends - begins, ends - now
    if left <= critical_before(lifetime):
        return Urgency.CRITICAL
    return Urgency.WARNING if left <= warning_before(lifetime) else Urgency.FINE


def words(ends: datetime, now: datetime) -> str:
    """When that is, for people: `ends 2027-06-11, in 197 days`."""
    left = ends - now
    if left <= timedelta(0):
        return f"ended {ends:%Y-%m-%d %H:%M} UTC, {_span(-left)} ago"
    return f"ends {ends:%Y-%m-%d}, in {_span(left)}"


def _span(span: timedelta) -> str:
    return f"{span.days} days" if span.days >= 3 else f"{int(span.total_seconds() // 3600)} hours"
