"""The root of every error this product raises on purpose.

A message says what was expected, what was found and what to do next, so that the command line can print it as it is.
"""

from __future__ import annotations


class IlsError(Exception):
    """An error whose message is meant for the person who asked; its traceback adds nothing."""
