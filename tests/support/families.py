"""Whether what families of jobs called is what their policies and rules allow."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from ils_pipelines.settings.yaml_document import SafeLoader
from tests.iam.evaluation import POLICIES, RULES, refused
from tests.iam.reach import out_of_reach
from tests.iam.rules import Allowed
from tools.iam.kubernetes_calls import ENVIRONMENT
from tools.iam.seen import seen_in

_PLACES = ("", f"ils-{ENVIRONMENT}", f"ils-{ENVIRONMENT}-backup")
"""Where rules let anybody do anything; tests have applications in namespaces of other names."""


def not_allowed(folder: Path) -> list[str]:
    """What was called and may not be, in words. `folder` is where the servers of a sandbox wrote down what they got."""
    seen = seen_in(folder)
    return [
        *(
            f"{family} may not {action}"
            for family, calls in seen.aws.items()
            for action in refused(POLICIES[family], calls)
        ),
        *(missed for family, calls in seen.touches.items() for missed in out_of_reach(family, calls)),
        *(
            f"{family} may not {each.verb} {each.resource} in {each.namespace or 'a cluster'}"
            for family, requests in seen.kubernetes.items()
            for each in _rules(family).refused(requests)
            if each.namespace in _PLACES
        ),
    ]


@cache
def _rules(family: str) -> Allowed:
    return Allowed.to(list(yaml.load_all(RULES.read_text(), SafeLoader)), "Group", f"ils:{family}")
