"""Putting other secrets in the place of those that open the database and the cache, and showing that they are."""
