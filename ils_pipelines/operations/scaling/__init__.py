"""Changing how many pods and nodes there are, after checking that it does no harm."""
