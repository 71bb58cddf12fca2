"""One case for every resource type of the provider."""

from __future__ import annotations

from tests.sandbox.provider import (
    backup_cases,
    bucket_cases,
    cluster_cases,
    domain_cases,
    edge_cases,
    foundation_cases,
    monitoring_cases,
    network_cases,
    service_cases,
    table_cases,
)

CASES = (
    *network_cases.CASES,
    *foundation_cases.CASES,
    *service_cases.CASES,
    *table_cases.CASES,
    *edge_cases.CASES,
    *backup_cases.CASES,
    *bucket_cases.CASES,
    *cluster_cases.CASES,
    *domain_cases.CASES,
    *monitoring_cases.CASES,
)
