"""Restoring what an environment keeps beside the environment itself: nothing here touches what is live.

Each step says everything that AWS would otherwise default wrongly, and finds what an interrupted run made before.
"""
