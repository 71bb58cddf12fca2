"""Drift: what is not as the last provisioning left it, per property, and who changed it. Reads only, mends nothing."""
