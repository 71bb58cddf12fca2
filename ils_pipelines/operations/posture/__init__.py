"""The security posture of a live environment: what AWS and Kubernetes say is there, measured against the controls.

Reads only, and never what an engine remembers: a rule opened by hand behind its back is what this is for.
"""
