"""Verifying what was restored. Each module yields checks; a check that failed names what is wrong."""
