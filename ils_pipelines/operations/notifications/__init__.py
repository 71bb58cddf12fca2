"""Telling people of failed runs and of what scans find: each thing once, at the right hour, and never lost."""
