"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# How fast this machine is today is no property of the code.
settings.register_profile("ils", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ils")
