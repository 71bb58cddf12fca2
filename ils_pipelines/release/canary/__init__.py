"""Trying a release on a few pods before all."""
