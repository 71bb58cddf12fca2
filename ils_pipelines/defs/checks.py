"""Asset checks with a partition per environment, which every check here must have: an unpartitioned one would let dev's
result vouch for production."""

import warnings

from dagster import AssetCheckSpec, PreviewWarning

from ils_pipelines.defs.environments import ENVIRONMENTS
from ils_pipelines.defs.layers import asset_key
from ils_pipelines.settings.layers import Layer


def layer_check_spec(layer: Layer, name: str, description: str) -> AssetCheckSpec:
    """A check on the asset of a layer, with that asset's partitions."""
    with warnings.catch_warnings():
        # Dagster calls partitions of checks a preview; its exact pin in pyproject.toml keeps them as they are.
        warnings.simplefilter("ignore", PreviewWarning)
        return AssetCheckSpec(name, asset=asset_key(layer), description=description, partitions_def=ENVIRONMENTS)
