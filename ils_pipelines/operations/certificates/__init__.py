"""Certificates: which end when, which are weak or wrong, and what servers really send."""
