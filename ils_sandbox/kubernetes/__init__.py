"""A Kubernetes API server for the sandbox: many clusters in one process, no container engine.

What a client can see is kept as a real API server keeps it (validation, server-side apply, resource versions, watches,
rollouts, garbage collection). Containers do not run: a pod becomes ready after a short time, or fails as the tag of its
image asks for (`images.py`). Those of the application answer while they run (`pod_network.py`).
"""
