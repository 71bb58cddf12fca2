"""The last snapshot of a store, taken when the store is deleted."""

from __future__ import annotations

import pulumi

from ils_pipelines.stacks.naming import Naming

_DIGITS = 8


def final_snapshot_name(naming: Naming, key_arn: pulumi.Output[str]) -> pulumi.Output[str]:
    """`ils-production-final-1a2b3c4d`: with the beginning of the id of the key that encrypts the store.

    An environment that is made anew has new keys: its last snapshot does not get the name of the one before, which is kept
    and would make AWS refuse the deletion.
    """
    return key_arn.apply(lambda arn: naming.name("final", arn.rpartition("/")[2][:_DIGITS]))
