"""One function per control: what it looks at and whether each resource is as it should be.

An evaluator yields an `Observation` for every resource it looked at, whether or not the control holds for it, and nothing
where the environment has no such resource. What it cannot learn it does not guess: `ApiUnavailable` passes through.
"""
