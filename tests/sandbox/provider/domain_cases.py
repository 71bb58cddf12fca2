"""Cases of DNS records and web ACLs."""

from __future__ import annotations

from tests.sandbox.provider.bench import Made, Surroundings
from tests.sandbox.provider.case import Case, name


def _longer_ttl(around: Surroundings, made: Made) -> object:
    record = {
        "Name": made.plain["fqdn"],
        "Type": "CNAME",
        "TTL": 3600,
        "ResourceRecords": [{"Value": "target.example.net"}],
    }
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    return around.client("route53").change_resource_record_sets(HostedZoneId=around.zone, ChangeBatch=batch)


def _guarded_by_another(around: Surroundings, made: Made) -> object:
    guarded = made.plain["resourceArn"]
    return around.client("wafv2").associate_web_acl(WebACLArn=around.web_acl(), ResourceArn=guarded)


CASES = (
    Case(
        "aws:route53/record:Record",
        lambda around: {
            "zoneId": around.zone,
            "name": f"{name()}.example.org",
            "type": "CNAME",
            "ttl": 60,
            "records": ["target.example.net"],
        },
        edit=lambda _: {
            "ttl": None,
            "records": None,
            "aliases": [
                {
                    "name": "balancer-1.us-east-1.elb.amazonaws.com",
                    "zoneId": "Z35SXDOTRQ7X7K",
                    "evaluateTargetHealth": True,
                }
            ],
        },
        replacement=lambda around: {"zoneId": around.other_zone},
        drift=_longer_ttl,
        drifted="ttl",
        shares_identity=True,
    ),
    Case(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        lambda around: {"webAclArn": around.web_acl(), "resourceArn": around.load_balancer()},
        replacement=lambda around: {"webAclArn": around.web_acl()},
        drift=_guarded_by_another,
        drifted="webAclArn",
        shares_identity=True,
        repaired_by_replacement=True,
    ),
)
