"""Waiting until new pods serve, and saying why they do not."""
