"""What stands in for the application's image: answers the two pages that its manifest's probes ask for.

It is configured as the image is, by the variables of its container, and knows nothing of Kubernetes.
"""
