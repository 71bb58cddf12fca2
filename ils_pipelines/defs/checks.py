"""Asset checks with a partition per environment, which every check here must have: an unpartitioned one would let dev's
result vouch for production."""

import warnings

from dagster import AssetCheckSpec, AssetKey, PreviewWarning

from ils_pipelines.defs.environments import ENVIRONMENTS


def check_spec(asset: AssetKey, name: str, description: str) -> AssetCheckSpec:
    """A check on an asset that has a partition for each environment."""
    with warnings.catch_warnings():
        # Dagster calls partitions of checks a preview; its exact pin in pyproject.toml keeps them as they are.
        warnings.simplefilter("ignore", PreviewWarning)
        return AssetCheckSpec(name, asset=asset, description=description, partitions_def=ENVIRONMENTS)
