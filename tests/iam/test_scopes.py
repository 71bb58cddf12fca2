"""Actions come from what is called, and where they are allowed from a table: the two have to fit."""

from __future__ import annotations

import pytest

from tools.iam.__main__ import recorded_calls
from tools.iam.actions import actions
from tools.iam.beside import UNSEEN
from tools.iam.scoped import ScopesDiffer, scoped
from tools.iam.scopes.scope import scope

TABLE = {
    "backup": (scope("Look", ("rds:DescribeDBClusters",)), scope("Take", ("rds:CreateDBClusterSnapshot",), ("arn",)))
}


def test_what_is_called_is_allowed_where_the_table_says() -> None:
    made = scoped("backup", TABLE, {"rds:DescribeDBClusters", "rds:CreateDBClusterSnapshot"})

    assert made["backup"]["Statement"] == [
        {"Sid": "Look", "Effect": "Allow", "Action": ["rds:DescribeDBClusters"], "Resource": ["*"]},
        {"Sid": "Take", "Effect": "Allow", "Action": ["rds:CreateDBClusterSnapshot"], "Resource": ["arn"]},
    ]


def test_a_call_that_has_no_scope_is_named_with_the_file_to_add_it_to() -> None:
    needed = {"rds:DescribeDBClusters", "rds:CreateDBClusterSnapshot", "rds:DeleteDBCluster"}

    with pytest.raises(ScopesDiffer, match=r"backup needs rds:DeleteDBCluster, .*tools/iam/scopes/backup.py"):
        scoped("backup", TABLE, needed)


def test_a_call_that_a_policy_beside_allows_needs_no_scope() -> None:
    needed = {"rds:DescribeDBClusters", "rds:CreateDBClusterSnapshot", "ec2:DescribeVpcs"}

    assert scoped("backup", TABLE, needed, elsewhere={"ec2:DescribeVpcs"}).keys() == {"backup"}


def test_a_scope_that_nothing_calls_is_named() -> None:
    with pytest.raises(ScopesDiffer, match=r"scopes/backup.py allows rds:CreateDBClusterSnapshot, which nothing"):
        scoped("backup", TABLE, {"rds:DescribeDBClusters"})


@pytest.mark.parametrize("family", sorted(UNSEEN))
def test_what_is_allowed_unseen_is_not_in_the_recording(family: str) -> None:
    """Otherwise its reason is out of date."""
    assert UNSEEN[family].keys() & actions(recorded_calls()[family]) == set()
