"""The page about the architecture draws the graph of assets that there is."""

from __future__ import annotations

import re
from pathlib import Path

from ils_pipelines.definitions import defs
from tests.docs.commands import blocks

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"


def test_the_graph_has_every_asset_and_every_dependency() -> None:
    [drawn] = blocks(PAGE, "mermaid")
    graph = defs.resolve_asset_graph()
    keys = graph.get_all_asset_keys()

    arrows = re.findall(r"(.+) --> (\w+)", drawn)
    assert {(needed.strip(), key) for names, key in arrows for needed in names.split("&")} == {
        (needed.to_user_string(), key.to_user_string()) for key in keys for needed in graph.get(key).parent_keys
    }
    assert set(re.findall(r"\w+", drawn)) - {"graph", "LR"} == {key.to_user_string() for key in keys}
