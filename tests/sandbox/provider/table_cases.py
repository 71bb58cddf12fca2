"""Cases of DynamoDB."""

from __future__ import annotations

from tests.sandbox.provider.case import Case, name

CASES = (
    Case(
        "aws:dynamodb/table:Table",
        lambda around: {
            "name": name(),
            "billingMode": "PAY_PER_REQUEST",
            "hashKey": "eventType",
            "rangeKey": "timestamp",
            "attributes": [
                {"name": "eventType", "type": "S"},
                {"name": "timestamp", "type": "N"},
                {"name": "userId", "type": "S"},
            ],
            "globalSecondaryIndexes": [
                {
                    "name": "by-user",
                    "keySchemas": [
                        {"attributeName": "userId", "keyType": "HASH"},
                        {"attributeName": "timestamp", "keyType": "RANGE"},
                    ],
                    "projectionType": "INCLUDE",
                    "nonKeyAttributes": ["detail"],
                }
            ],
            "localSecondaryIndexes": [{"name": "by-person", "rangeKey": "userId", "projectionType": "ALL"}],
            "ttl": {"enabled": True, "attributeName": "expiresAt"},
            "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 20},
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": around.key},
            "streamEnabled": True,
            "streamViewType": "NEW_IMAGE",
            "tableClass": "STANDARD_INFREQUENT_ACCESS",
            "onDemandThroughput": {"maxReadRequestUnits": 100, "maxWriteRequestUnits": 50},
            "deletionProtectionEnabled": False,
            "tags": {"team": "lens"},
        },
        edit=lambda around: {
            "attributes": [
                {"name": "eventType", "type": "S"},
                {"name": "timestamp", "type": "N"},
                {"name": "userId", "type": "S"},
                {"name": "site", "type": "S"},
            ],
            "globalSecondaryIndexes": [
                {
                    "name": "by-site",
                    "keySchemas": [{"attributeName": "site", "keyType": "HASH"}],
                    "projectionType": "ALL",
                }
            ],
            "ttl": {"enabled": False},
            "pointInTimeRecovery": {"enabled": True, "recoveryPeriodInDays": 35},
            "serverSideEncryption": {"enabled": True, "kmsKeyArn": around.other_key},
            "streamEnabled": None,
            "streamViewType": None,
            "tableClass": None,
            "onDemandThroughput": {"maxReadRequestUnits": 10, "maxWriteRequestUnits": 5},
        },
        replacement=lambda _: {"hashKey": "timestamp", "rangeKey": "eventType"},
        drift=lambda around, made: around.client("dynamodb").update_continuous_backups(
            TableName=made.id, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
        ),
        drifted="pointInTimeRecovery",
    ),
)
