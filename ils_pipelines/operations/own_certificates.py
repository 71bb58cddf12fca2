"""Which certificates of ACM are an environment's: by one call, however many the account has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ils_pipelines.operations.scope import tags_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ils_pipelines.operations.live import Live, Record


def own_certificates(live: Live, served: Iterable[str]) -> Iterator[Record]:
    """Those with the environment's tags, and `served`, by ARN, of which some may be gone. Raises `ApiUnavailable`."""
    filters = [{"Key": "environment", "Values": [live.scope.environment]}]
    tagged = live.list(
        "resourcegroupstaggingapi",
        "get_resources",
        "ResourceTagMappingList",
        TagFilters=filters,
        ResourceTypeFilters=["acm:certificate"],
    )
    owned = {each["ResourceARN"] for each in tagged if live.scope.owns_tags(tags_of(each["Tags"]))}
    for arn in sorted({*owned, *filter(None, served)}):
        found = live.find("acm", "describe_certificate", CertificateArn=arn)
        if found is not None:
            yield found["Certificate"]
